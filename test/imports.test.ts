/** The map of which room may import which. Changing it is a design change. */
import { readdirSync, readFileSync } from "node:fs";
import { dirname, join, relative, resolve } from "node:path";
import { describe, expect, it } from "vitest";

const root = resolve(import.meta.dirname, "..");
const core = "durable-objects/cluster";

const mayImport: Record<string, readonly string[]> = {
  api: [],
  access: ["api"],
  storage: ["api"],
  apiserver: ["api", "access", "storage"],
  controllers: ["api", "storage", "apiserver"],
  kubelet: ["api", "storage", "apiserver"],
  "kube-proxy": ["api"],
  dns: ["api"],
  faults: ["api", "dns"],
  network: ["api", "kube-proxy", "dns"],
  explain: ["api", "kube-proxy", "dns", "network"],
};

/** Files outside the rooms of `cluster/` that wire them and may import all; everything else may not import these. */
const wiring = [
  "cluster.ts",
  "manifest.ts",
  "birth.ts",
  "cluster-clock.ts",
  "event-correlation.ts",
  "event-recorder.ts",
  "lived-state.ts",
  "turn.ts",
];

/** Only these import the platform. */
const mayImportPlatform = [
  "worker/index.ts",
  "durable-objects/cluster-object.ts",
  "durable-objects/directory-object.ts",
  "durable-objects/sqlite-storage.ts",
  "durable-objects/socket-pairs.ts",
];

const files = (folder: string): string[] =>
  readdirSync(join(root, folder), { withFileTypes: true, recursive: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith(".ts"))
    .map((entry) => relative(root, join(entry.parentPath, entry.name)));

/** Static and dynamic imports of a file, types included. */
function importsOf(file: string): string[] {
  const text = readFileSync(join(root, file), "utf8").replace(/\/\*[\s\S]*?\*\//g, "");
  return [...text.matchAll(/(?:from|import)\s*\(?\s*"([^"]+)"/g)].map((match) => match[1] as string);
}

const isTest = (file: string): boolean => /\.test\.ts$|\/test-[a-z-]+\.ts$|\.suite\.ts$/.test(file);

describe("imports", () => {
  it("point one way between the rooms of the cluster", () => {
    const wrong: string[] = [];
    for (const file of files(core).filter((f) => !isTest(f))) {
      const room = relative(core, file).split("/")[0] as string;
      if (wiring.includes(room)) continue;
      const allowed = mayImport[room];
      if (!allowed) {
        wrong.push(`${file} is in no room of the map`);
        continue;
      }
      for (const specifier of importsOf(file).filter((s) => s.startsWith("."))) {
        const target = relative(join(root, core), resolve(root, dirname(file), specifier)).split("/")[0] as string;
        if (target !== room && !allowed.includes(target)) wrong.push(`${file} imports ${specifier}`);
      }
    }
    expect(wrong).toEqual([]);
  });

  it("bring neither the platform nor its libraries into the core", () => {
    const foreign = files(core)
      .filter((f) => !isTest(f))
      .flatMap((file) =>
        importsOf(file)
          .filter((s) => /^(cloudflare:|node:|hono|zod|miniflare|dns-packet)/.test(s))
          .map((s) => `${file} imports ${s}`),
      );
    expect(foreign).toEqual([]);
  });

  it("reach Cloudflare and Node only from the files that architecture.md names", () => {
    const foreign = ["worker", "durable-objects"]
      .flatMap(files)
      .filter((file) => !isTest(file) && !mayImportPlatform.includes(file))
      .flatMap((file) =>
        importsOf(file)
          .filter((s) => /^(cloudflare:|node:|miniflare)/.test(s))
          .map((s) => `${file} imports ${s}`),
      );
    expect(foreign).toEqual([]);
  });

  it("leave time, chance and the network to the ports", () => {
    const reaching = files(core)
      .filter((f) => !isTest(f))
      .filter((file) => {
        const text = readFileSync(join(root, file), "utf8").replace(/\/\*[\s\S]*?\*\/|\/\/.*$/gm, "");
        return /\bDate\.now\(|\bMath\.random\(|\bset(Timeout|Interval)\(|(?<![.\w#])fetch\(|new Date\(\)/.test(text);
      });
    expect(reaching).toEqual([]);
  });
});
