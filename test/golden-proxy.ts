/**
 * Compares the emulated kube-proxy with the captures of the real one, file by file and byte by byte, and the walk over
 * its rules with what real connections did.
 *
 * Knows no expected text of its own; the lab that prints and walks is `golden-proxy-lab.ts`.
 */
import { existsSync } from "node:fs";
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { IptablesLab, labs, type ProxyCase, parseCase } from "./golden-proxy-lab.ts";
import { compareTraffic, type TrafficLine } from "./golden-proxy-traffic.ts";

export interface ProxyComparison {
  matched: number;
  total: number;
  /** Files that the capture's index names and the folder does not have. */
  missing: string[];
  failures: { case: string; file: string; firstDifference: string }[];
}

/** Runs every case folder below `goldenDir/proxy`. One file is one comparison; in `traffic.json` one line is. */
export async function compareProxy(goldenDir: string): Promise<ProxyComparison> {
  const proxy = join(goldenDir, "proxy");
  const folders = (await readdir(proxy, { withFileTypes: true })).filter((entry) => entry.isDirectory()).map((entry) => entry.name);
  const result: ProxyComparison = { matched: 0, total: 0, missing: await missingFiles(proxy), failures: [] };
  for (const folder of folders.sort()) await compareCase(join(proxy, folder), folder, result);
  return result;
}

async function missingFiles(proxy: string): Promise<string[]> {
  if (!existsSync(join(proxy, "index.json"))) return ["index.json"];
  const index = JSON.parse(await readFile(join(proxy, "index.json"), "utf8")) as { name: string; files: string[] }[];
  return index.flatMap(({ name, files }) => files.map((file) => `${name}/${file}`)).filter((file) => !existsSync(join(proxy, file)));
}

async function compareCase(directory: string, name: string, result: ProxyComparison): Promise<void> {
  if (!existsSync(join(directory, "input.yaml"))) return;
  const input = parseCase(await readFile(join(directory, "input.yaml"), "utf8"));
  for (const { file, print } of outputsOf(input)) {
    if (!existsSync(join(directory, file))) continue;
    count(result, name, file, firstDifference(print(), await readFile(join(directory, file), "utf8")));
  }
  if (!existsSync(join(directory, "traffic.json"))) return;
  const rules = input.families.flatMap((family) => labs.map((lab) => new lab(input, family).rules()));
  for (const line of JSON.parse(await readFile(join(directory, "traffic.json"), "utf8")) as TrafficLine[]) {
    const one = rules.find((candidate) => candidate.mode === line.mode && candidate.family === line.family);
    if (one !== undefined) count(result, name, "traffic.json", compareTraffic(line, one, input.options, input.objects));
  }
}

/** Every file that a case may have, with what prints it; each from a lab of its own. */
function outputsOf(input: ProxyCase): { file: string; print: () => string }[] {
  const ofFamilies = input.families.flatMap((family) =>
    labs.flatMap((lab) =>
      lab.files.map((file) => ({
        file: family === "IPv6" ? file.replace(/\.txt$/, ".v6.txt") : file,
        print: () => new lab(input, family).print(file),
      })),
    ),
  );
  return [
    ...ofFamilies,
    { file: "health.txt", print: () => input.families.map((family) => new IptablesLab(input, family).health()).join("") },
  ];
}

function count(result: ProxyComparison, name: string, file: string, difference: string | undefined): void {
  result.total += 1;
  if (difference === undefined) result.matched += 1;
  else result.failures.push({ case: name, file, firstDifference: difference });
}

/** `undefined` where the texts are equal byte for byte. */
function firstDifference(ours: string, theirs: string): string | undefined {
  if (ours === theirs) return undefined;
  const [a, b] = [ours.split("\n"), theirs.split("\n")];
  const at = a.findIndex((line, index) => line !== b[index]);
  const line = at === -1 ? a.length : at;
  return `line ${line + 1}: ours ${JSON.stringify(a[line])}, captured ${JSON.stringify(b[line])}`;
}
