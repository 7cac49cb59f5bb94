/**
 * The cluster as the stream tells it, one object a key. "Live" means that a ping was answered within five seconds and no
 * version is missing; when the socket breaks, the page resumes after the last version it saw.
 */
import { signal } from "@preact/signals";
import { streamURL } from "./sandbox-address.ts";

export interface LiveObject {
  apiVersion: string;
  kind: string;
  metadata: {
    name: string;
    namespace?: string;
    uid: string;
    deletionTimestamp?: string;
    labels?: Record<string, string>;
    [field: string]: unknown;
  };
  [field: string]: any;
}

export type LiveState =
  | { is: "opening" }
  | { is: "live" }
  | { is: "catching-up" }
  | { is: "offline"; since: Date; retryInSeconds: number }
  | { is: "ended" };

export const objects = signal<ReadonlyMap<string, LiveObject>>(new Map());
export const liveState = signal<LiveState>({ is: "opening" });

const pingEveryMs = 4_000;
const longestPauseSeconds = 30;

interface Frame {
  snapshot?: LiveObject[];
  more?: boolean;
  changes?: { op: "ADDED" | "MODIFIED" | "DELETED"; object: LiveObject }[];
  rv?: string;
  reset?: boolean;
  restarting?: boolean;
}

const keyOf = ({ kind, metadata }: LiveObject): string => `${kind}/${metadata.namespace ?? ""}/${metadata.name}`;

let revision: string | undefined;
let gathering: Map<string, LiveObject> | undefined;

export function follow(attempt = 0): void {
  const socket = new WebSocket(streamURL());
  let answered = true;
  let opened = false;
  const ping = setInterval(() => {
    if (!answered) return socket.close();
    answered = false;
    socket.send("ping");
    if (liveState.value.is !== "live") return;
    setTimeout(() => {
      if (!answered) liveState.value = { is: "catching-up" };
    }, 5_000);
  }, pingEveryMs);
  socket.onopen = () => {
    opened = true;
    liveState.value = { is: "catching-up" };
    socket.send(JSON.stringify({ hello: { watch: ["objects"], ...(revision === undefined ? {} : { since: revision }) } }));
    socket.send("ping");
  };
  socket.onmessage = ({ data }) => {
    if (data === "pong") {
      answered = true;
      if (revision !== undefined) liveState.value = { is: "live" };
      return;
    }
    take(JSON.parse(data as string) as Frame);
  };
  socket.onclose = ({ code }) => {
    clearInterval(ping);
    if (code === 1001) {
      liveState.value = { is: "ended" };
      return;
    }
    const attempts = opened ? 0 : attempt;
    const retryInSeconds = Math.min(longestPauseSeconds, 2 ** attempts);
    liveState.value = { is: "offline", since: new Date(), retryInSeconds };
    setTimeout(() => follow(attempts + 1), retryInSeconds * 1000 * (0.75 + Math.random() / 2));
  };
}

function take(frame: Frame): void {
  if (frame.reset) {
    revision = undefined;
    gathering = undefined;
    return;
  }
  if (frame.snapshot) {
    gathering ??= new Map();
    for (const object of frame.snapshot) gathering.set(keyOf(object), object);
    if (!frame.more) {
      objects.value = gathering;
      gathering = undefined;
      revision = frame.rv;
    }
    return;
  }
  if (!frame.changes) return;
  const next = new Map(objects.value);
  for (const { op, object } of frame.changes) {
    if (op === "DELETED") next.delete(keyOf(object));
    else next.set(keyOf(object), object);
  }
  objects.value = next;
  revision = frame.rv;
}
