/**
 * Makes the field and discovery tables of the API server from the facts in `test/reference/openapi/` and
 * `scripts/go-structs.json`. The results are committed; run it again when those change:
 *
 *     node scripts/build-schemas.mjs
 *
 * The notation of the field table is explained in `durable-objects/cluster/apiserver/fields/schema.ts`, which reads it.
 */
import { createHash } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";

const root = resolve(dirname(fileURLToPath(import.meta.url)), "..");
const read = (path) => JSON.parse(readFileSync(join(root, path), "utf8"));
const schemas = read("test/reference/openapi/schemas.json");
const resources = read("test/reference/openapi/resources.json");
const columns = read("test/reference/openapi/columns.json");
const discovery = read("test/reference/openapi/discovery.json");
const go = read("scripts/go-structs.json");

/** OpenAPI name -> the name used in the table: `io.k8s.api.core.v1.Pod` -> `core.v1.Pod`. */
const shortName = (name) =>
  name
    .replace("io.k8s.api.", "")
    .replace("io.k8s.apimachinery.pkg.apis.", "")
    .replace("io.k8s.apiextensions-apiserver.pkg.apis.", "")
    .replace("io.k8s.apimachinery.pkg.", "");

/** Types with a decoder of their own; they are referred to by a letter. */
const letters = {
  "api.resource.Quantity": "q",
  "util.intstr.IntOrString": "x",
  "meta.v1.Time": "t",
  "meta.v1.MicroTime": "u",
  "runtime.RawExtension": "r",
  "meta.v1.FieldsV1": "f",
  "apiextensions.v1.JSON": "j",
  "apiextensions.v1.JSONSchemaPropsOrArray": "A",
  "apiextensions.v1.JSONSchemaPropsOrBool": "B",
  "apiextensions.v1.JSONSchemaPropsOrStringArray": "S",
};
const scalars = {
  string: "s",
  "string/byte": "y",
  "integer/int32": "i",
  "integer/int64": "l",
  integer: "l",
  "number/double": "n",
  boolean: "b",
};

const referenceOf = (schema) => (schema.$ref ?? schema.allOf?.[0]?.$ref)?.replace("#/components/schemas/", "");

function typeCode(schema, packageName) {
  const reference = referenceOf(schema);
  if (reference !== undefined) {
    const name = shortName(reference);
    if (letters[name] !== undefined) return letters[name];
    return `@${name.startsWith(`${packageName}.`) ? name.slice(packageName.length + 1) : name}`;
  }
  if (schema.type === "array") return `[${typeCode(schema.items, packageName)}`;
  if (schema.type === "object") return `{${typeCode(schema.additionalProperties, packageName)}`;
  const code = scalars[schema.format === undefined ? schema.type : `${schema.type}/${schema.format}`];
  if (code === undefined) throw new Error(`no code for ${JSON.stringify(schema)}`);
  return code;
}

/** The members of a structure in Go's order, those of embedded structures in their place. */
function membersOf(name) {
  const packageName = name.slice(0, name.lastIndexOf("."));
  return go.structs[name].flatMap(([member, type, options, number, goName]) => {
    if (options !== "inline") return [{ member, type, options, numbers: [number], goName }];
    if (type === "v1.TypeMeta")
      return ["kind", "apiVersion"].map((member) => ({ member, type: "string", options: "omitempty", numbers: [0] }));
    const embedded = type.slice(type.indexOf(".") + 1);
    return membersOf(`${packageName}.${embedded}`).map((inner) => ({
      ...inner,
      inside: inner.inside ?? embedded,
      numbers: [number, ...inner.numbers],
    }));
  });
}

/** What Go prints for a type, where the letters and references of the type code would not tell. */
const goName = (type) => type.replace(/^\*/, "");
const plainGoNames = { s: "string", i: "int32", l: "int64", n: "float64", b: "bool", y: "[]uint8" };
const leafOf = (code) => code.replace(/^[[{]+/, "");
const leafGoName = (type) =>
  goName(type)
    .replace(/^(?:\[\]|map\[[\w.]+\])+/, "")
    .replace(/^\*/, "");

function fieldLine({ member, type, options, inside }, schema, packageName) {
  const code = typeCode(schema.properties[member], packageName);
  const property = schema.properties[member];
  const flags = [];
  if (type.startsWith("*")) flags.push("*");
  if (options.includes("omitzero")) flags.push("??");
  else if (options.includes("omitempty")) flags.push("?");
  if (schema.required?.includes(member)) flags.push("!");
  if (property.default !== undefined)
    flags.push(
      ["", 0, false].includes(property.default) || JSON.stringify(property.default) === "{}" ? "=" : `=${JSON.stringify(property.default)}`,
    );
  const values = property.enum ?? property.items?.enum ?? property.additionalProperties?.enum;
  if (values !== undefined) flags.push(`e:${values.join(",")}`);
  if (property["x-kubernetes-list-type"] !== undefined) flags.push(`l:${property["x-kubernetes-list-type"]}`);
  if (property["x-kubernetes-list-map-keys"] !== undefined) flags.push(`k:${property["x-kubernetes-list-map-keys"].join(",")}`);
  if (property["x-kubernetes-map-type"] !== undefined) flags.push(`m:${property["x-kubernetes-map-type"]}`);
  if (property["x-kubernetes-patch-merge-key"] !== undefined) flags.push(`K:${property["x-kubernetes-patch-merge-key"]}`);
  if (property["x-kubernetes-patch-strategy"] !== undefined) flags.push(`P:${property["x-kubernetes-patch-strategy"]}`);
  const leaf = plainGoNames[leafOf(code)];
  const named = go.named[goName(type)];
  if (named !== undefined) flags.push(`N:${goName(type)}`);
  else if (leaf !== undefined && leafGoName(type) !== leaf && code !== "y" && leafOf(code) !== "y") flags.push(`n:${leafGoName(type)}`);
  if (inside !== undefined) flags.push(`i:${inside}`);
  return `${member}:${code}${flags.length > 0 ? ` ${flags.join(" ")}` : ""}`;
}

/** Schema properties that are no members of the Go structure (custom encoders) come last, by name. */
function knownMembers(name, schema) {
  const members = go.structs[name] === undefined ? [] : membersOf(name).filter(({ member }) => schema.properties?.[member] !== undefined);
  const known = new Set(members.map(({ member }) => member));
  const others = Object.keys(schema.properties ?? {}).filter((member) => !known.has(member));
  return [...members, ...others.map((member) => ({ member, type: "string", options: "", numbers: [0] }))];
}

function structLine(name, schema) {
  const packageName = shortName(name.slice(0, name.lastIndexOf(".")));
  return knownMembers(name, schema)
    .map((member) => fieldLine(member, schema, packageName))
    .join("|");
}

/** The numbers of the members in protobuf messages; of one that follows the member before it only its Go name is written. */
function messageLine(name, schema) {
  let due = "1";
  return knownMembers(name, schema)
    .map(({ member, numbers, goName }) => {
      const path = numbers.join(".");
      const number = path === due ? "" : path;
      due = [...numbers.slice(0, -1), numbers.at(-1) + 1].join(".");
      return goName === undefined || member === "metadata" ? number : `${number}:${goName}`;
    })
    .join(",");
}

const structs = {};
const messages = {};
const kinds = {};
const atomic = [];
const extras = {};
for (const [name, schema] of Object.entries(schemas)) {
  const short = shortName(name);
  if (letters[short] === undefined) structs[short] = structLine(name, schema);
  const numbers = messageLine(name, schema);
  if (letters[short] === undefined && numbers.replaceAll(",", "") !== "") messages[short] = numbers;
  if (schema["x-kubernetes-map-type"] === "atomic") atomic.push(short);
  if (schema["x-kubernetes-unions"] !== undefined) extras[short] = { "x-kubernetes-unions": schema["x-kubernetes-unions"] };
  const names = (schema["x-kubernetes-group-version-kind"] ?? []).map((gvk) => `${gvk.group}/${gvk.version}/${gvk.kind}`);
  if (names.length > 0) kinds[short] = names;
}

const banner = "// Generated by scripts/build-schemas.mjs from test/reference/openapi and scripts/go-structs.json. Do not edit.\n";
const table = (value) => JSON.stringify(value, null, 0).replaceAll('","', '",\n"').replace(/^\{/, "{\n").replace(/\}$/, ",\n}");
/** A kind whose only name follows from its structure's is not listed. */
const selfNamed = (short, [only, ...more]) => {
  const [group, version, kind] = short.split(".");
  return more.length === 0 && only.split("/")[1] === version && only.split("/")[2] === kind && group !== "meta";
};
const groups = {};
for (const [short, names] of Object.entries(kinds)) if (selfNamed(short, names)) groups[short.split(".")[0]] = names[0].split("/")[0];
const write = (path, text) => {
  const full = join(root, "durable-objects/cluster/apiserver", path);
  writeFileSync(full, text);
  console.log(`${path}: ${(text.length / 1024).toFixed(1)} KiB`);
};

write(
  "fields/structs.generated.ts",
  `${banner}
/** Structure -> its members. */
export const structs: Record<string, string> = ${table(structs)};

/** Structures that server-side apply treats as one value. */
export const atomicStructs: ReadonlySet<string> = new Set(${JSON.stringify(atomic)});

/** First part of a structure's name -> API group. */
export const groupNames: Record<string, string> = ${JSON.stringify(groups)};

/** Structures that are a kind of their own (\`group/version/kind\`); most are it by their name and the group alone. */
export const selfNamedKinds: readonly string[] = ${JSON.stringify(Object.keys(kinds).filter((short) => selfNamed(short, kinds[short])))};
export const otherKinds: Record<string, string[]> = ${JSON.stringify(Object.fromEntries(Object.entries(kinds).filter(([short, names]) => !selfNamed(short, names))))};

/** Extensions of a schema that only its OpenAPI document shows. */
export const schemaExtras: Record<string, object> = ${JSON.stringify(extras)};
`,
);

write(
  "fields/messages.generated.ts",
  `${banner}
/** Structure -> the numbers of its members in protobuf messages, where they do not simply count up from 1. */
export const messageNumbers: Record<string, string> = ${table(messages)};

/** Go names of list types that are messages of their own. */
export const listMessages: ReadonlySet<string> = new Set(${JSON.stringify(go.listMessages)});
`,
);

/** `apps` -> its versions in order of preference, with the resources of each. */
const groupOrder = discovery.apis.items.map(({ metadata, versions }) => [metadata.name, versions.map(({ version }) => version)]);
const fingerprint = createHash("sha256")
  .update(JSON.stringify([structs, kinds, atomic, extras, resources]))
  .digest("hex")
  .slice(0, 16);
write(
  "discovery/resources.generated.ts",
  `${banner}
/** Changes with the facts, so that clients that keep OpenAPI documents by their hash fetch new ones. */
export const factsFingerprint = "${fingerprint}";

/** API groups in the server's order, each with its versions in order of preference. The core group is not among them. */
export const groupOrder: readonly (readonly [group: string, versions: readonly string[]])[] = ${JSON.stringify(groupOrder)};

/** Group version -> the entries of its \`APIResourceList\`. */
export const apiResources: Record<string, readonly ApiResource[]> = {
${Object.entries(resources)
  .map(([path, list]) => `${JSON.stringify(path)}: [\n${list.resources.map((entry) => JSON.stringify(entry)).join(",\n")},\n]`)
  .join(",\n")},
};

export interface ApiResource {
  name: string;
  singularName: string;
  namespaced: boolean;
  group?: string;
  version?: string;
  kind: string;
  verbs: readonly string[];
  shortNames?: readonly string[];
  categories?: readonly string[];
  storageVersionHash?: string;
}
`,
);

/** `Name::name`: name, type, format, priority; what is usual is left out at the end. */
const columnLine = ({ name, type, format, priority }) =>
  [name, type === "string" ? "" : type, format, priority === 0 ? "" : priority].join(":").replace(/:+$/, "");
write(
  "printing/columns.generated.ts",
  `${banner}
/** Path of a resource -> the columns of its Table: \`name:type:format:priority\`, what is usual left out. */
export const tableColumns: Record<string, string> = {
${Object.entries(columns)
  .map(([path, list]) => `  ${JSON.stringify(path)}: ${JSON.stringify(list.map(columnLine).join("|"))},\n`)
  .join("")}};
`,
);
