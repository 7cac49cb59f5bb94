/**
 * Replays the API transcripts against a sandbox of a running server, with real kubectl, and says which commands answer
 * as the real control plane did.
 */
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { binary, run } from "./e2e/kubectl.ts";
import { startServer } from "./e2e/server.ts";

export interface ApiComparison {
  matched: number;
  total: number;
  /** Transcripts of the committed copy that the folder does not hold. */
  missing: string[];
  /** The whole of what the replay printed about a differing command. */
  failures: { case: string; command: string; difference: string }[];
}

/** As in the captures: no cloud provider, pods Ready within half a second. */
const sandboxLikeTheCaptured = { loadBalancer: "none" };

export async function compareApi(goldenDir: string, only: (name: string) => boolean = () => true): Promise<ApiComparison> {
  const folder = join(goldenDir, "api");
  const committed = readdirSync(join(import.meta.dirname, "golden", "api")).filter((name) => name.endsWith(".transcript"));
  const present = existsSync(folder) ? readdirSync(folder).filter((name) => name.endsWith(".transcript") && only(name)) : [];
  const missing = committed.filter((name) => only(name) && !present.includes(name));
  if (present.length === 0) return { matched: 0, total: 0, missing, failures: [] };
  const server = await startServer();
  const scratch = mkdtempSync(join(tmpdir(), "transcripts-"));
  try {
    let total = 0;
    const failures: ApiComparison["failures"] = [];
    for (const name of present.sort()) {
      // A sandbox each: a transcript may delete what others look at.
      const kubeconfig = await newSandbox(server.url, scratch);
      const { stdout } = await run(process.execPath, [join(import.meta.dirname, "tools", "transcript.mjs"), join(folder, name)], {
        env: { KUBECONFIG: kubeconfig, KUBECTL: binary("kubectl", "35") },
        timeoutMs: 240_000,
      });
      total += readFileSync(join(folder, name), "utf8")
        .split("\n")
        .filter((line) => line.startsWith("  $ ")).length;
      failures.push(...differences(name, stdout));
    }
    return { matched: total - failures.length, total, missing, failures };
  } finally {
    await server.stop();
    rmSync(scratch, { recursive: true, force: true });
  }
}

async function newSandbox(url: string, scratch: string): Promise<string> {
  const response = await fetch(`${url}/sandboxes`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(sandboxLikeTheCaptured),
  });
  if (response.status !== 201) throw new Error(`POST /sandboxes: ${response.status} ${await response.text()}`);
  const { id, kubeconfig } = (await response.json()) as { id: string; kubeconfig: string };
  const path = join(scratch, id);
  writeFileSync(path, kubeconfig);
  return path;
}

/** The replay prints `  $ command`, continued by `  > `, and then the lines that differ. */
function differences(name: string, printed: string): ApiComparison["failures"] {
  const failures: ApiComparison["failures"] = [];
  for (const line of printed.split("\n")) {
    const last = failures.at(-1);
    if (line.startsWith("  $ ")) failures.push({ case: name, command: line.slice(4), difference: "" });
    else if (last && line.startsWith("  > ") && last.difference === "") last.command += `\n${line.slice(4)}`;
    else if (last && line.startsWith("  ")) last.difference += `${line}\n`;
  }
  return failures.filter(({ difference }) => !isOnlyTheAge(difference));
}

/** A cell of a raw table says `"0s"` or `"1s"`, by how busy the machine is. */
function isOnlyTheAge(difference: string): boolean {
  const lines = difference.split("\n").filter((line) => line.trim() !== "");
  const side = (sign: string) =>
    lines
      .filter((line) => line.trimStart().startsWith(sign))
      .map((line) =>
        line
          .replace(sign, "")
          .replace(/"\d+s"/, '"<age>"')
          .trim(),
      );
  return lines.length > 0 && side("-").length > 0 && JSON.stringify(side("-")) === JSON.stringify(side("+"));
}
