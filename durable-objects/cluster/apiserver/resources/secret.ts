/**
 * Secret. `stringData` is written into `data` and never stored.
 *
 * @see https://kubernetes.io/docs/concepts/configuration/secret/
 */
import { type FieldError, invalid, required, tooLong } from "../../api/field-error.ts";
import { configMapKey } from "../../api/names.ts";
import type { Secret } from "../../api/objects.ts";
import { ageColumn, nameColumn } from "../printing/cells.ts";
import { type ResourceStrategy, strategy } from "../resource-strategy.ts";
import { complaintsAbout, validateObjectMeta } from "../validation/object-meta.ts";
import { decodedLength, validateImmutable } from "./config-map.ts";

const limitBytes = 1024 * 1024;
const accountNameAnnotation = "kubernetes.io/service-account.name";

const secretStrategy: ResourceStrategy<Secret> = {
  group: "",
  version: "v1",
  kind: "Secret",
  plural: "secrets",
  singular: "secret",
  namespaced: true,
  subresources: [],

  applyDefaults: (secret) => {
    secret.type ||= "Opaque";
    const plain = secret.stringData as Record<string, string> | undefined;
    if (plain && Object.keys(plain).length > 0) {
      const encoded = Object.entries(plain).map(([key, value]) => [key, base64Of(value ?? "")]);
      secret.data = { ...secret.data, ...Object.fromEntries(encoded) };
    }
    delete secret.stringData;
    for (const [key, value] of Object.entries(secret.data ?? {})) secret.data = { ...secret.data, [key]: value ?? "" };
  },
  prepareForUpdate: (next, previous) => {
    // An update that leaves the type out means the old one only where that was the default.
    next.type ||= previous.type;
  },
  validate,
  validateUpdate: (next, previous) => [
    ...(next.type === previous.type ? [] : [invalid("type", next.type ?? "", "field is immutable")]),
    ...validateImmutable(next, previous, ["data"]),
    ...validateObjectMeta(next.metadata, { namespaced: true }),
    ...validate(next),
  ],
  warnings: ({ type, data = {} }) => (type === "kubernetes.io/tls" ? keyPairWarnings(data) : []),
  selectableFields: { type: ({ type }) => type ?? "" },
  columns: [
    nameColumn,
    { name: "Type", cell: ({ type }) => type ?? "" },
    { name: "Data", cell: ({ data }) => Object.keys(data ?? {}).length },
    ageColumn,
  ],
};

export const secret = strategy(secretStrategy);

/** Base64 of the UTF-8 bytes. */
function base64Of(text: string): string {
  let binary = "";
  for (const byte of new TextEncoder().encode(text)) binary += String.fromCharCode(byte);
  return btoa(binary);
}

const textOf = (base64: string): string => {
  try {
    return new TextDecoder().decode(Uint8Array.from(atob(base64), (character) => character.charCodeAt(0)));
  } catch {
    return base64;
  }
};

function validate({ metadata, type, data = {} }: Secret): FieldError[] {
  const errors: FieldError[] = [];
  let size = 0;
  for (const key of Object.keys(data).sort()) {
    errors.push(...complaintsAbout(`data[${key}]`, key, configMapKey));
    size += decodedLength(data[key] ?? "");
  }
  if (size > limitBytes) errors.push(tooLong("data", limitBytes));
  const need = (key: string): FieldError[] => (key in data ? [] : [required(`data[${key}]`)]);
  switch (type) {
    case "kubernetes.io/service-account-token": {
      const account = metadata.annotations?.[accountNameAnnotation];
      return account ? errors : [...errors, required(`metadata.annotations[${accountNameAnnotation}]`)];
    }
    case "kubernetes.io/dockercfg":
      return [...errors, ...validateJSON(data, ".dockercfg")];
    case "kubernetes.io/dockerconfigjson":
      return [...errors, ...validateJSON(data, ".dockerconfigjson")];
    case "kubernetes.io/basic-auth":
      return "username" in data || "password" in data ? errors : [...errors, ...need("username"), ...need("password")];
    case "kubernetes.io/ssh-auth":
      return data["ssh-privatekey"] ? errors : [...errors, required("data[ssh-privatekey]")];
    case "kubernetes.io/tls":
      return [...errors, ...need("tls.crt"), ...need("tls.key")];
    default:
      return errors;
  }
}

/** What can be said of a key pair without reading it. */
function keyPairWarnings(data: Record<string, string>): string[] {
  const hasPEM = (key: string) => textOf(data[key] ?? "").includes("-----BEGIN ");
  if (!hasPEM("tls.crt")) return ["tls: failed to find any PEM data in certificate input"];
  return hasPEM("tls.key") ? [] : ["tls: failed to find any PEM data in key input"];
}

function validateJSON(data: Record<string, string>, key: string): FieldError[] {
  const field = `data[${key}]`;
  if (!(key in data)) return [required(field)];
  const text = textOf(data[key] ?? "").trim();
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value === "object") return [];
    return [invalid(field, redacted, `json: cannot unmarshal ${typeof value} into Go value of type map[string]interface {}`)];
  } catch {
    return [invalid(field, redacted, jsonComplaint(text))];
  }
}

const redacted = "<secret contents redacted>";

/** What Go says about text that is no JSON object, for the mistakes that people make: nothing, half of it, other text. */
function jsonComplaint(text: string): string {
  const first = text[0];
  if (first === undefined || first === "{" || first === "[" || first === '"') return "unexpected end of JSON input";
  return `invalid character '${first}' looking for beginning of value`;
}
