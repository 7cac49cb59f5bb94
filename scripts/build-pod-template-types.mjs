/**
 * Writes `controllers/pod-template-types.generated.ts` from the Go declarations in `pod-template-hash.types.json`:
 * one line of text for each structure, `Field type jsonName` separated by `|`.
 *
 *   node scripts/build-pod-template-types.mjs
 */
import { readFileSync, writeFileSync } from "node:fs";

const here = new URL(".", import.meta.url);
const types = JSON.parse(readFileSync(new URL("pod-template-hash.types.json", here), "utf8"));

// Quantities, IntOrStrings and times are written by code: what they hold in Go is not what they look like in JSON.
const byCode = /^(big\.|inf\.|intstr\.|resource\.|time\.)/;

const lines = Object.entries(types)
  .filter(([name]) => !byCode.test(name))
  .map(([name, fields]) => {
    const text = fields.map(([field, type, tag]) => `${field} ${type} ${jsonName(field, tag)}`).join("|");
    return `  ${JSON.stringify(name)}: ${JSON.stringify(text)},`;
  });

/** Empty: the fields of an embedded structure stand among its parent's. */
function jsonName(field, tag) {
  const [name, ...options] = tag.split(",");
  return name !== "" ? name : options.includes("inline") || tag === "" ? "" : field;
}

writeFileSync(
  new URL("../durable-objects/cluster/controllers/pod-template-types.generated.ts", here),
  `/** Made by scripts/build-pod-template-types.mjs. A structure's fields in Go's order: \`Field type jsonName\`, separated by \`|\`. */\nexport const podTemplateTypes: Readonly<Record<string, string>> = {\n${lines.join("\n")}\n};\n`,
);
