/** Tells a process from a later one with the same number (by when it started), and from one that only waits to be collected. */
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";

export interface ProcessTable {
  isAlive(pid: number): boolean;
  /** Any text that is the same for one process at all times; `undefined`: gone, or the system does not say. */
  startOf(pid: number): string | undefined;
  kill(pid: number): void;
}

export const systemProcesses: ProcessTable = {
  isAlive(pid) {
    try {
      process.kill(pid, 0);
      return process.platform !== "linux" || !isZombie(pid);
    } catch (error) {
      return (error as NodeJS.ErrnoException).code === "EPERM"; // alive, somebody else's
    }
  },
  startOf(pid) {
    try {
      if (process.platform === "linux") return linuxStart(pid);
      if (process.platform === "win32") return ask("powershell", ["-NoProfile", "-Command", `(Get-Process -Id ${pid}).StartTime.Ticks`]);
      return ask("ps", ["-o", "lstart=", "-p", String(pid)]);
    } catch {
      return undefined; // the process is gone, or this system has no such program
    }
  },
  kill(pid) {
    process.kill(pid, "SIGKILL");
  },
};

/** Clock ticks since boot at which the process started. */
function linuxStart(pid: number): string | undefined {
  const boot = readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim();
  const ticks = linuxFields(pid)[19];
  return ticks === undefined ? undefined : `${boot}:${ticks}`;
}

/** Dead, and nobody has asked for its exit code yet: in containers that can be for ever. */
function isZombie(pid: number): boolean {
  try {
    return linuxFields(pid)[0] === "Z";
  } catch {
    return true; // gone since
  }
}

/** Fields 3 and on of `/proc/{pid}/stat`. The command's name before them may hold spaces and brackets. */
function linuxFields(pid: number): string[] {
  const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
  return stat.slice(stat.lastIndexOf(")") + 2).split(" ");
}

function ask(program: string, args: string[]): string | undefined {
  const said = execFileSync(program, args, { encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] }).trim();
  return said === "" ? undefined : said;
}
