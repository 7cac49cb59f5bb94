/**
 * Holds on to the workerd that miniflare starts: miniflare tells neither its process id nor its death, and a workerd whose
 * parent is killed lives on with the port and the files.
 */
import childProcess, { type ChildProcess } from "node:child_process";

/** Watches the spawns of this process until `release`; `process` is the workerd among them. */
export function captureWorkerd(): { process(): ChildProcess; release(): void } {
  const original = childProcess.spawn;
  let workerd: ChildProcess | undefined;
  const watching = ((...args: Parameters<typeof childProcess.spawn>) => {
    const child = original(...args);
    if (/workerd(?:\.exe)?$/.test(args[0])) workerd = child;
    return child;
  }) as typeof childProcess.spawn;
  childProcess.spawn = watching;
  return {
    release: () => {
      childProcess.spawn = original;
    },
    process: () => {
      if (workerd === undefined) throw new Error("miniflare did not start workerd by spawn: its start has changed");
      return workerd;
    },
  };
}

/**
 * Starts a process that ends workerd as soon as this one is gone, however it goes: their pipe closes.
 *
 * It needs no polling, and the same lines work on every system.
 */
export function endWithParent(workerd: ChildProcess): void {
  const script = `process.stdin.resume().on("end", () => { try { process.kill(${workerd.pid}, "SIGKILL"); } catch {} process.exit(); }).on("error", () => {});`;
  const watchdog = childProcess.spawn(process.execPath, ["-e", script], { stdio: ["pipe", "ignore", "ignore"], detached: true });
  watchdog.unref();
  (watchdog.stdin as unknown as { unref?(): void }).unref?.();
  workerd.once("exit", () => watchdog.kill());
}
