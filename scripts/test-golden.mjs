/** Bundles `test/golden.ts` and runs it in plain Node: `npm run test:golden -- proxy dns`. */
import { spawnSync } from "node:child_process";
import { join, resolve } from "node:path";
import { build } from "esbuild";

const root = resolve(import.meta.dirname, "..");
const outfile = join(root, "dist", "test", "golden.mjs");
await build({
  entryPoints: [join(root, "test", "golden.ts")],
  outfile,
  bundle: true,
  platform: "node",
  format: "esm",
  target: "node20",
  packages: "external",
  define: { "import.meta.dirname": JSON.stringify(join(root, "test")) },
  logLevel: "error",
});
process.exit(spawnSync(process.execPath, [outfile, ...process.argv.slice(2)], { stdio: "inherit", cwd: root }).status ?? 1);
