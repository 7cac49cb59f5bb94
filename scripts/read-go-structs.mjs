/**
 * Reads the facts about the API's Go structures that its OpenAPI documents do not carry, and writes `scripts/go-structs.json`:
 * the order of the members, which of them are pointers or left out when empty, which structures are embedded, the names of
 * their Go types (error messages of the decoder show them), and the numbers of the members in protobuf messages.
 *
 * Needed only when the version of Kubernetes changes; `build-schemas.mjs` uses the committed result.
 *
 *     node scripts/read-go-structs.mjs <directory with api/, apimachinery/ and apiextensions-apiserver/ of one release>
 */
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";

const root = resolve(dirname(fileURLToPath(import.meta.url)), "..");
const sources = process.argv[2];
if (sources === undefined) throw new Error("usage: node scripts/read-go-structs.mjs <directory>");

/** OpenAPI name of a package -> its folder and the name its types are printed with. */
function packageOf(openApi) {
  const api = /^io\.k8s\.api\.(\w+)\.(\w+)$/.exec(openApi);
  if (api) return { folder: `api/${api[1]}/${api[2]}`, printed: api[2] };
  if (openApi.startsWith("io.k8s.apiextensions-apiserver."))
    return { folder: "apiextensions-apiserver/pkg/apis/apiextensions/v1", printed: "v1" };
  if (openApi === "io.k8s.apimachinery.pkg.apis.meta.v1") return { folder: "apimachinery/pkg/apis/meta/v1", printed: "v1" };
  return undefined; // quantities, int-or-string, raw extensions: the decoder knows them
}

const typeFiles = ["types.go", "types_jsonschema.go", "group_version.go", "micro_time.go", "time.go"];
const readPackage = (folder) =>
  typeFiles
    .map((file) => join(sources, folder, file))
    .filter(existsSync)
    .map((file) => readFileSync(file, "utf8"))
    .join("\n");

/** Prints a Go type as `reflect` does: local names get the package's name, imported ones the name of theirs. */
function printedType(type, printed) {
  return type
    .replace(/\b(metav1|corev1)\./g, "v1.")
    .replace(/(^|[[\]*])([A-Z]\w*)/g, (_, before, name) => `${before}${printed}.${name}`)
    .replace(/\bbyte\b/g, "uint8");
}

const capitalised = (name) => name.slice(0, 1).toUpperCase() + name.slice(1);

/**
 * The members of one struct body: `[json name, Go type, "" | "omitempty" | "omitempty,omitzero" | "inline", number in
 * protobuf messages or 0, Go name where it is not the JSON name in capitals]`.
 */
function membersOf(body, printed) {
  const members = [];
  for (const line of body.split("\n")) {
    const field = /^\t(?:(\w+)\s+)?([\w.*[\]]+)\s+`.*?json:"([^"]*)".*`/.exec(line);
    if (field === null) continue;
    const [, declared, type, tag] = field;
    const [name, ...options] = tag.split(",");
    if (name === "-") continue;
    const goName = declared ?? type.slice(type.indexOf(".") + 1); // an embedded structure is named as its type
    const number = Number(/protobuf:"\w+,(\d+)/.exec(line)?.[1] ?? 0);
    if (options.includes("inline")) members.push(["", printedType(type, printed), "inline", number]);
    else members.push([name, printedType(type, printed), options.join(","), number, ...(goName === capitalised(name) ? [] : [goName])]);
  }
  return members;
}

const schemas = JSON.parse(readFileSync(join(root, "test/reference/openapi/schemas.json"), "utf8"));
const packages = [...new Set(Object.keys(schemas).map((name) => name.slice(0, name.lastIndexOf("."))))];
const structs = {};
const named = {};
const messages = new Set(); // lists that are messages of their own: null and empty differ
for (const openApi of packages) {
  const of = packageOf(openApi);
  if (of === undefined) continue;
  const text = readPackage(of.folder);
  for (const [, name, body] of text.matchAll(/^type (\w+) struct \{\n([\s\S]*?)^\}/gm))
    structs[`${openApi}.${name}`] = membersOf(body, of.printed);
  for (const [, name, type] of text.matchAll(/^type (\w+) ((?:map\[\w+\]|\[\])[\w.]+)$/gm))
    named[`${of.printed}.${name}`] = printedType(type, of.printed);
  for (const [, name] of text.matchAll(/^\/\/ \+protobuf\.nullable=true\n(?:\/\/.*\n|\n)*type (\w+) \[\]/gm))
    messages.add(`${of.printed}.${name}`);
}
const lines = Object.keys(structs)
  .sort()
  .map((name) => `${JSON.stringify(name)}: ${JSON.stringify(structs[name])}`);
const lists = `"named": ${JSON.stringify(named)},\n"listMessages": ${JSON.stringify([...messages])}`;
writeFileSync(join(root, "scripts/go-structs.json"), `{\n${lists},\n"structs": {\n${lines.join(",\n")}\n}\n}\n`);
const missing = Object.keys(schemas).filter((name) => structs[name] === undefined);
console.log(`${lines.length} structures; no Go structure for: ${missing.join(", ")}`);
