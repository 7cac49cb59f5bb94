/** A container's log as a text stream: tail, since, timestamps, follow. */
import type { Container, Pod } from "../../cluster/api/objects.ts";
import { badRequest } from "../../cluster/api/status-error.ts";
import type { LogLine } from "../../cluster/kubelet/container-logs.ts";
import type { Sandbox } from "../sandbox.ts";
import { statusOf } from "./container-choice.ts";
import { LogCursor } from "./log-cursor.ts";

export interface LogOptions {
  follow: boolean;
  previous: boolean;
  timestamps: boolean;
  tailLines: number | undefined;
  limitBytes: number | undefined;
  /** Cluster time in ms. */
  since: number | undefined;
}

/** How often a followed log is looked at, for lines that a loop writes by itself. */
const followPauseMs = 500;
/** A follow ends after this long; kubectl says nothing and the reader starts it again. */
const followLimitMs = 4 * 60 * 60 * 1000;

/** @throws StatusError 400 for a number that is none */
export function logOptions(query: URLSearchParams, now: number): LogOptions {
  const number = (name: string): number | undefined => {
    const text = query.get(name);
    if (text === null || text === "") return undefined;
    if (!/^-?\d+$/.test(text)) throw badRequest(`strconv.ParseInt: parsing ${JSON.stringify(text)}: invalid syntax`);
    return Number(text);
  };
  const sinceSeconds = number("sinceSeconds");
  const sinceTime = query.get("sinceTime");
  const flag = (name: string): boolean => query.get(name) === "true" || query.get(name) === "1";
  const tailLines = number("tailLines");
  return {
    follow: flag("follow"),
    previous: flag("previous"),
    timestamps: flag("timestamps"),
    tailLines: tailLines !== undefined && tailLines >= 0 ? tailLines : undefined,
    limitBytes: number("limitBytes"),
    since: sinceSeconds !== undefined ? now - sinceSeconds * 1000 : sinceTime ? Date.parse(sinceTime) : undefined,
  };
}

/** Refuses a log that does not exist yet. @throws StatusError 400 */
export function refuseWithoutLog(pod: Pod, container: Container, { previous }: LogOptions): void {
  const status = statusOf(pod, container.name);
  const { name } = pod.metadata;
  if (previous) {
    if (status?.lastState?.terminated) return;
    throw badRequest(`previous terminated container ${JSON.stringify(container.name)} in pod ${JSON.stringify(name)} not found`);
  }
  const waiting = status?.state?.waiting;
  if (status && (!waiting || status.lastState?.terminated)) return;
  const reason = waiting?.reason ?? "ContainerCreating";
  const detail = waiting?.message !== undefined && reason === "CreateContainerConfigError" ? `${reason}` : reason;
  throw badRequest(`container ${JSON.stringify(container.name)} in pod ${JSON.stringify(name)} is waiting to start: ${detail}`);
}

export function logResponse(sandbox: Sandbox, pod: Pod, container: Container, options: LogOptions): Response {
  const headers = { "content-type": "text/plain" };
  const { kubelet } = sandbox.cluster;
  const all = kubelet.logOf(pod, container, options.previous);
  const lines = selected(all, options);
  const first = cut(lines.map((line) => printed(line, options)).join(""), options.limitBytes);
  if (!options.follow || options.previous) return new Response(first, { headers });
  return new Response(following(sandbox, pod, container, options, first, new LogCursor(all)), { headers });
}

const selected = (lines: readonly LogLine[], { since, tailLines }: LogOptions): readonly LogLine[] => {
  const recent = since === undefined ? lines : lines.filter(({ atMs }) => atMs >= since);
  return tailLines === undefined ? recent : tailLines === 0 ? [] : recent.slice(-tailLines);
};

/** Times have nanoseconds in a real log; ours end in zeros. */
const printed = ({ atMs, text }: LogLine, { timestamps }: LogOptions): string =>
  timestamps ? `${new Date(atMs).toISOString().slice(0, 23)}000000Z ${text}\n` : `${text}\n`;

const cut = (text: string, limitBytes: number | undefined): string =>
  limitBytes === undefined ? text : text.slice(0, Math.max(0, limitBytes));

/** New lines as they come, until the container's run is over or the client has gone. */
function following(
  sandbox: Sandbox,
  pod: Pod,
  container: Container,
  options: LogOptions,
  first: string,
  cursor: LogCursor,
): ReadableStream<Uint8Array> {
  const encoder = new TextEncoder();
  const gone = new AbortController();
  return new ReadableStream<Uint8Array>({
    start(controller) {
      if (first !== "") controller.enqueue(encoder.encode(first));
      const poll = async (): Promise<void> => {
        const key = { namespace: pod.metadata.namespace, name: pod.metadata.name };
        for (let waitedMs = 0; waitedMs < followLimitMs && !gone.signal.aborted; waitedMs += followPauseMs) {
          await sandbox.delay(followPauseMs, gone.signal);
          if (gone.signal.aborted) return;
          sandbox.cluster.tick();
          const fresh = cursor.next(sandbox.cluster.kubelet.logOf(pod, container, false));
          if (fresh.length > 0) controller.enqueue(encoder.encode(fresh.map((line) => printed(line, options)).join("")));
          const current = sandbox.cluster.reader.get<Pod>("pods", key.namespace, key.name);
          const runs =
            current?.metadata.uid === pod.metadata.uid &&
            statusOf(current, container.name)?.containerID === statusOf(pod, container.name)?.containerID &&
            statusOf(current, container.name)?.state?.running;
          if (!runs) break;
        }
        if (!gone.signal.aborted) controller.close();
      };
      sandbox.background(
        poll().catch(() => {
          // The client went away while something was written to it.
          gone.abort();
        }),
      );
    },
    cancel() {
      gone.abort();
    },
  });
}
