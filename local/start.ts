/**
 * `npm start`: one server on this machine, kept in a folder, ended by Ctrl-C.
 *
 * `npm start -- [--fresh] [--https] [--data <folder>]`; `HOST` and `PORT` say where it listens,
 * `KUBEARIUM_DATA` is the folder where `--data` does not say.
 */
import fs from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { certificateFor } from "./certificate.ts";
import { greeting } from "./greeting.ts";
import { FolderInUse, type Lock, takeLock } from "./lock.ts";
import { systemProcesses } from "./process-identity.ts";
import { type RunningServer, startServer } from "./server.ts";
import { endWithParent } from "./workerd-process.ts";

const defaultPort = 8787;

/** Something the person at the keyboard can put right; said without a stack. */
class StartRefused extends Error {}

try {
  await main();
} catch (error) {
  console.error(error instanceof StartRefused ? error.message : error);
  process.exitCode = 1;
}

async function main(): Promise<void> {
  const { fresh, https, data } = readArguments();
  const host = process.env["HOST"] || "127.0.0.1";
  const port = readPort(process.env["PORT"]);
  const folder = path.resolve(data);
  const lock = lockFolder(folder);
  try {
    const stateFolder = path.join(folder, "state");
    if (fresh) fs.rmSync(stateFolder, { recursive: true, force: true });
    const certificate = https ? await certificateFor(folder, host) : undefined;
    const server = await serve({ host, port, stateFolder, certificate, folder });
    endWithParent(server.workerd);
    lock.note(server.workerd.pid ?? 0, server.url);
    endOnSignalOrDeath(server, lock);
    const shown = path.relative(process.cwd(), folder) || ".";
    process.stdout.write(
      greeting({
        url: server.url,
        dataFolder: shown.startsWith("..") ? folder : shown,
        certificateFile: certificate?.file,
        kubectlFound: isOnPath("kubectl"),
      }),
    );
  } catch (error) {
    lock.release();
    throw error;
  }
}

async function serve(of: {
  host: string;
  port: number;
  stateFolder: string;
  certificate: { key: string; cert: string } | undefined;
  folder: string;
}): Promise<RunningServer> {
  const { host, port, stateFolder, certificate, folder } = of;
  const log = fs.createWriteStream(path.join(folder, "server.log"));
  const dist = path.resolve(path.dirname(fileURLToPath(import.meta.url)), "..");
  try {
    return await startServer({ dist, host, port, stateFolder, certificate, operatorKey: process.env["OPERATOR_KEY"], log });
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === "EADDRINUSE") throw new StartRefused(`Port ${port} is taken. Choose another: PORT=${port + 1} npm start`);
    if (code === "EACCES") throw new StartRefused(`Port ${port} needs more rights. Choose one above 1023: PORT=8787 npm start`);
    if (code === "EADDRNOTAVAIL" || code === "ENOTFOUND") throw new StartRefused(`HOST=${host} is no address of this machine.`);
    throw error;
  }
}

/** Ctrl-C ends everything and leaves nothing behind; a workerd that dies takes this process with it, and says so. */
function endOnSignalOrDeath(server: RunningServer, lock: Lock): void {
  let ending = false;
  const end = async () => {
    if (ending) return;
    ending = true;
    await server.stop();
    lock.release();
    process.exit(0);
  };
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
    // miniflare has a listener that exits at once, before anything is put away.
    process.removeAllListeners(signal);
    process.on(signal, end);
  }
  server.workerd.once("exit", (code, signal) => {
    if (ending) return;
    console.error(`workerd ended by itself (${signal ?? `exit code ${code}`}); what it said is in server.log of the data folder.`);
    lock.release();
    process.exit(1);
  });
}

function lockFolder(folder: string): Lock {
  try {
    return takeLock(folder, systemProcesses);
  } catch (error) {
    if (!(error instanceof FolderInUse)) throw error;
    throw new StartRefused(`${error.message}.\nUse that one, end it, or start another with its own folder: npm start -- --data <folder>`);
  }
}

function readArguments(): { fresh: boolean; https: boolean; data: string } {
  try {
    const { values } = parseArgs({
      options: {
        fresh: { type: "boolean", default: false },
        https: { type: "boolean", default: false },
        data: { type: "string", default: process.env["KUBEARIUM_DATA"] || ".kubearium" },
      },
    });
    return values;
  } catch (error) {
    throw new StartRefused(`${(error as Error).message}\nUse: npm start -- [--fresh] [--https] [--data <folder>]`);
  }
}

function readPort(text: string | undefined): number {
  if (text === undefined || text === "") return defaultPort;
  const port = Number(text);
  if (!Number.isInteger(port) || port < 0 || port > 65535) throw new StartRefused(`PORT=${text} is no port.`);
  return port;
}

function isOnPath(program: string): boolean {
  const suffixes = process.platform === "win32" ? (process.env["PATHEXT"] ?? ".EXE").split(";") : [""];
  const folders = (process.env["PATH"] ?? "").split(path.delimiter);
  return folders.some((folder) => suffixes.some((suffix) => fs.existsSync(path.join(folder, program + suffix))));
}
