/** Runs one benchmark: `node bench/run.mjs resolve-route`. Builds what it measures first. */
import { execFileSync, spawnSync } from "node:child_process";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), "..");
const name = process.argv[2];
if (name === undefined) {
  console.error("Use: node bench/run.mjs <name of a .bench.ts file>");
  process.exit(1);
}
execFileSync(process.execPath, [path.join(root, "scripts/build.mjs")], { stdio: "inherit" });
const outfile = path.join(root, "dist/bench", `${name}.mjs`);
await build({
  absWorkingDir: root,
  entryPoints: [`bench/${name}.bench.ts`],
  outfile,
  bundle: true,
  format: "esm",
  platform: "node",
  target: "node20",
  packages: "external",
  logLevel: "warning",
});
process.exitCode = spawnSync(process.execPath, [outfile], { cwd: root, stdio: "inherit" }).status ?? 1;
