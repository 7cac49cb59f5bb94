/**
 * Builds what `npm start` runs: the Worker's bundle (`dist/worker`), the page and the documentation (`dist/web`), and the
 * launcher (`dist/local`). A target whose sources have not changed since it was built is left alone.
 *
 * `node scripts/build.mjs [--force] [--quiet]`
 */
import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { cp, mkdir, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { builtinModules } from "node:module";
import path from "node:path";
import { fileURLToPath } from "node:url";

const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), "..");
const dist = path.join(root, "dist");
const stampsFile = path.join(dist, "stamps.json");
/** Change what they say and everything is built anew. */
const shared = ["scripts/build.mjs", "package-lock.json"];

const targets = [
  { name: "worker", sources: ["worker", "durable-objects"], output: "worker/index.js", build: buildWorker },
  { name: "web", sources: ["web", "docs"], output: "web", build: buildWeb },
  { name: "local", sources: ["local"], output: "local/start.mjs", build: buildLocal },
];

async function main({ force, quiet }) {
  const stamps = await readStamps();
  for (const { name, sources, output, build } of targets) {
    const stamp = await hashOf([...shared, ...sources]);
    if (!force && stamps[name] === stamp && existsSync(path.join(dist, output))) continue;
    const began = performance.now();
    await build();
    if (!quiet) console.log(`built ${name} in ${((performance.now() - began) / 1000).toFixed(1)} s`);
    stamps[name] = stamp;
    await mkdir(dist, { recursive: true });
    await writeFile(stampsFile, `${JSON.stringify(stamps, null, 2)}\n`);
  }
}

async function buildWorker() {
  const { build } = await import("esbuild");
  await build({
    absWorkingDir: root,
    entryPoints: { index: "worker/index.ts" },
    outdir: path.join(dist, "worker"),
    bundle: true,
    format: "esm",
    target: "es2022",
    platform: "neutral",
    mainFields: ["browser", "module", "main"],
    conditions: ["workerd", "worker", "browser", "import"],
    external: ["cloudflare:*", "node:*"],
    sourcemap: "linked",
    logLevel: "warning",
    plugins: [requiredBuiltins],
  });
}

/** CommonJS packages that `require` a module of Node get the one of workerd's `nodejs_compat`, as wrangler's bundler does it. */
const requiredBuiltins = {
  name: "required-builtins",
  setup(build) {
    const filter = new RegExp(`^(node:)?(${builtinModules.filter((name) => !name.startsWith("_")).join("|")})$`);
    build.onResolve({ filter }, ({ path: name, kind }) => {
      const module = name.startsWith("node:") ? name : `node:${name}`;
      return kind === "require-call" ? { path: module, namespace: "required-builtin" } : { path: module, external: true };
    });
    build.onLoad({ filter: /.*/, namespace: "required-builtin" }, ({ path: name }) => ({
      contents: `import module_ from ${JSON.stringify(name)};\nmodule.exports = module_;\n`,
      loader: "js",
    }));
  },
};

async function buildLocal() {
  const { build } = await import("esbuild");
  await build({
    absWorkingDir: root,
    entryPoints: { start: "local/start.ts" },
    outdir: path.join(dist, "local"),
    outExtension: { ".js": ".mjs" },
    bundle: true,
    format: "esm",
    target: "node20",
    platform: "node",
    packages: "external",
    logLevel: "warning",
  });
}

/** The page, where there is one yet, and the documentation beside it. */
async function buildWeb() {
  const output = path.join(dist, "web");
  await rm(output, { recursive: true, force: true });
  await mkdir(output, { recursive: true });
  if (existsSync(path.join(root, "web/index.html"))) {
    const { build } = await import("vite");
    const configFile = ["vite.config.ts", "vite.config.js", "vite.config.mjs"]
      .map((name) => path.join(root, "web", name))
      .find((file) => existsSync(file));
    await build({
      root: path.join(root, "web"),
      configFile: configFile ?? false,
      base: "./",
      logLevel: "warn",
      build: { outDir: output, emptyOutDir: true, reportCompressedSize: false },
    });
  }
  await copyDocs(path.join(output, "_docs"));
}

async function copyDocs(output) {
  const source = path.join(root, "docs");
  const pages = [];
  for (const file of (await filesUnder(source)).filter((name) => name.endsWith(".md"))) {
    const relative = path.relative(source, file).split(path.sep).join("/");
    const title = /^# (.+)$/m.exec(await readFile(file, "utf8"))?.[1] ?? relative;
    pages.push({ path: relative, title });
    await cp(file, path.join(output, relative));
  }
  await mkdir(output, { recursive: true });
  await writeFile(path.join(output, "index.json"), JSON.stringify({ pages }));
}

async function hashOf(names) {
  const hash = createHash("sha256");
  for (const name of names) {
    for (const file of await filesUnder(path.join(root, name))) {
      if (/\.(test|suite)\.ts$/.test(file)) continue;
      hash.update(`${path.relative(root, file)}\0`).update(await readFile(file));
    }
  }
  return hash.digest("hex");
}

/** Every file below, or the file itself, in a stable order. Empty where there is nothing. */
async function filesUnder(where) {
  if (!existsSync(where)) return [];
  const entries = await readdir(where, { withFileTypes: true }).catch(() => undefined);
  if (entries === undefined) return [where];
  const sorted = entries.filter(({ name }) => name !== "node_modules" && !name.startsWith(".")).sort((a, b) => (a.name < b.name ? -1 : 1));
  const files = await Promise.all(
    sorted.map((entry) => (entry.isDirectory() ? filesUnder(path.join(where, entry.name)) : [path.join(where, entry.name)])),
  );
  return files.flat();
}

async function readStamps() {
  try {
    return JSON.parse(await readFile(stampsFile, "utf8"));
  } catch {
    return {}; // never built, or cut off while writing: build everything
  }
}

try {
  await main({ force: process.argv.includes("--force"), quiet: process.argv.includes("--quiet") });
} catch (error) {
  // esbuild has said where; its stack says nothing more.
  console.error(error.errors === undefined ? error : `Not built: ${error.message.split("\n", 1)[0]}`);
  process.exitCode = 1;
}
