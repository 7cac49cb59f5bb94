/**
 * attach: the client's streams joined to the container's first process. A shell that waits for input is talked to; any
 * other process only shows what it writes.
 */
import type { Container, Pod } from "../../cluster/api/objects.ts";
import { argvOf } from "../../cluster/kubelet/container-process.ts";
import type { Kubelet } from "../../cluster/kubelet/kubelet.ts";
import { programName } from "../../cluster/kubelet/process.ts";
import { type CommandStreams, commandPlace, runCommand } from "../../cluster/kubelet/shell/command.ts";
import { statusOf } from "./container-choice.ts";
import { LogCursor } from "./log-cursor.ts";
import type { Ending } from "./remote-command.ts";

const pauseMs = 500;
const limitMs = 4 * 60 * 60 * 1000;
const shells = new Set(["sh", "ash", "bash", "zsh"]);

/** @param tick lets due events of the cluster happen, so that its time goes on */
export async function attachTo(
  kubelet: Kubelet,
  pod: Pod,
  container: Container,
  streams: CommandStreams,
  tick: () => void,
): Promise<Ending> {
  const place = kubelet.place(pod, container);
  const argv = argvOf(container, place.image, place.env);
  const isShell = argv.length === 1 && shells.has(programName(argv[0] ?? ""));
  if (isShell && container.stdin && streams.stdin) {
    const result = await runCommand(commandPlace(kubelet, place), argv, streams);
    return "failed" in result ? { error: result.failed } : result;
  }
  const cursor = new LogCursor(kubelet.logOf(pod, container, false));
  for (let waitedMs = 0; waitedMs < limitMs && !streams.signal.aborted; waitedMs += pauseMs) {
    await streams.delay(pauseMs, streams.signal);
    tick();
    for (const { text } of cursor.next(kubelet.logOf(pod, container, false))) streams.out(new TextEncoder().encode(`${text}\n`));
    const current = kubelet.reader.get<Pod>("pods", pod.metadata.namespace, pod.metadata.name);
    const state = current && current.metadata.uid === pod.metadata.uid ? statusOf(current, container.name)?.state : undefined;
    // Whoever is attached only sees the streams end: how the process ended stands in the pod's status.
    if (!state?.running) break;
  }
  return { exitCode: 0 };
}
