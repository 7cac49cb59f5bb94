/**
 * Refreshes the committed copies of the captures that tests compare with: `test/golden/`, `test/reference/` and the tool that
 * replays transcripts, `test/tools/`.
 *
 * Byte for byte; what is gone at the source goes here too. Only for those who have the captures beside the checkout
 * (`../shared`, or the directory named as the first argument); everybody else has the copies in git.
 */
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";

const root = resolve(dirname(fileURLToPath(import.meta.url)), "..");
const source = resolve(process.argv[2] ?? join(root, "../shared"));

/** Where from, where to, and which top-level names (default: all). */
const copies = [
  { from: "golden", to: "test/golden" },
  { from: "reference/openapi", to: "test/reference/openapi" },
  { from: "tools", to: "test/tools" },
  { from: "reference", to: "test/reference", only: (name) => name.startsWith("pod-template-hash."), keep: ["openapi"] },
];

/** Paths of all files below a directory, relative to it, with `/`. */
function filesBelow(directory, prefix = "") {
  if (!existsSync(directory)) return [];
  return readdirSync(join(directory, prefix), { withFileTypes: true }).flatMap((entry) => {
    const path = prefix === "" ? entry.name : `${prefix}/${entry.name}`;
    return entry.isDirectory() ? filesBelow(directory, path) : [path];
  });
}

const sameBytes = (a, b) => existsSync(b) && readFileSync(a).equals(readFileSync(b));

function copy({ from, to, only = () => true, keep = [] }) {
  const origin = join(source, from);
  const target = join(root, to);
  const wanted = filesBelow(origin).filter(only);
  if (wanted.length === 0) throw new Error(`nothing to copy in ${origin}`);
  const gone = filesBelow(target).filter((path) => !wanted.includes(path) && !keep.some((folder) => path.startsWith(`${folder}/`)));
  for (const path of gone) rmSync(join(target, path));
  const changed = wanted.filter((path) => !sameBytes(join(origin, path), join(target, path)));
  for (const path of changed) {
    mkdirSync(dirname(join(target, path)), { recursive: true });
    writeFileSync(join(target, path), readFileSync(join(origin, path))); // not copyFile: the originals are read-only
  }
  console.log(`${to}: ${wanted.length} files, ${changed.length} new or changed, ${gone.length} removed`);
}

for (const entry of copies) copy(entry);
