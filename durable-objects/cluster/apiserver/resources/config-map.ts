/**
 * ConfigMap.
 *
 * @see https://kubernetes.io/docs/concepts/configuration/configmap/
 */
import { type FieldError, forbiddenField, invalid, tooLong } from "../../api/field-error.ts";
import { configMapKey } from "../../api/names.ts";
import type { ConfigMap } from "../../api/objects.ts";
import { same } from "../../api/same.ts";
import { ageColumn, nameColumn } from "../printing/cells.ts";
import { type ResourceStrategy, strategy } from "../resource-strategy.ts";
import { complaintsAbout, validateObjectMeta } from "../validation/object-meta.ts";

const limitBytes = 1024 * 1024;

const configMapStrategy: ResourceStrategy<ConfigMap> = {
  group: "",
  version: "v1",
  kind: "ConfigMap",
  plural: "configmaps",
  singular: "configmap",
  shortNames: ["cm"],
  namespaced: true,
  subresources: [],

  validate,
  validateUpdate: (next, previous) => [
    ...validateImmutable(next, previous, ["data", "binaryData"]),
    ...validateObjectMeta(next.metadata, { namespaced: true }),
    ...validate(next),
  ],
  columns: [
    nameColumn,
    { name: "Data", cell: ({ data, binaryData }) => Object.keys(data ?? {}).length + Object.keys(binaryData ?? {}).length },
    ageColumn,
  ],
};

export const configMap = strategy(configMapStrategy);

/** What `immutable: true` fixes; it cannot be taken back either. */
export function validateImmutable(next: ConfigMap, previous: ConfigMap, fields: readonly string[]): FieldError[] {
  if (!previous.immutable) return [];
  const because = "field is immutable when `immutable` is set";
  return [
    ...(next.immutable ? [] : [forbiddenField("immutable", because)]),
    ...fields.filter((field) => !same(next[field] ?? {}, previous[field] ?? {})).map((field) => forbiddenField(field, because)),
  ];
}

function validate({ data = {}, binaryData = {} }: ConfigMap): FieldError[] {
  const errors: FieldError[] = [];
  const encoder = new TextEncoder();
  let size = 0;
  for (const key of Object.keys(data).sort()) {
    errors.push(...complaintsAbout(`data[${key}]`, key, configMapKey));
    if (key in binaryData) errors.push(invalid(`data[${key}]`, key, "duplicate of key present in binaryData"));
    size += encoder.encode(data[key] ?? "").length;
  }
  for (const key of Object.keys(binaryData).sort()) {
    errors.push(...complaintsAbout(`binaryData[${key}]`, key, configMapKey));
    size += decodedLength(binaryData[key] ?? "");
  }
  if (size > limitBytes) errors.push(tooLong("", limitBytes));
  return errors;
}

/** Bytes behind a base64 text. */
export const decodedLength = (base64: string): number => {
  const padding = base64.endsWith("==") ? 2 : base64.endsWith("=") ? 1 : 0;
  return Math.max(0, (base64.length / 4) * 3 - padding);
};
