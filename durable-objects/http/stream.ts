/**
 * `/stream`: the live state of a sandbox as JSON frames over a WebSocket that may hibernate. What a socket has been told
 * is kept with the socket, not in memory, so that it goes on after the object slept.
 */
import { Hono } from "hono";
import { z } from "zod";
import { authorize } from "../cluster/access/authorize.ts";
import type { KubeObject } from "../cluster/api/objects.ts";
import { StatusError } from "../cluster/api/status-error.ts";
import type { Cluster } from "../cluster/cluster.ts";
import type { StoreChange } from "../cluster/storage/versioned-store.ts";
import { problem } from "./problem.ts";
import type { SandboxEnv } from "./sandbox.ts";

/** One frame holds at most so many bytes of text. */
const frameBytes = 256 * 1024;
/** A socket that leaves so many bytes unread is reset: it asks again and gets a fresh snapshot. */
const slowReaderBytes = 4 * 1024 * 1024;

/** What a socket asked for and how far it has been told; survives hibernation with the socket. */
export interface StreamState {
  namespaces?: string[];
  /** The last revision it has seen. */
  revision: number;
  mayReadSecrets: boolean;
  /** False until its hello. */
  greeted: boolean;
}

/** A stream's end of a socket, hibernated or not. */
export interface StreamSocket {
  state: StreamState;
  send(text: string): void;
  close(code: number, reason: string): void;
  bufferedBytes(): number;
}

const clientMessage = z.object({
  hello: z.object({
    since: z.union([z.string(), z.number()]).optional(),
    namespaces: z.array(z.string()).max(1000).optional(),
    watch: z.array(z.enum(["objects", "rules", "traces"])).optional(),
  }),
});

/** Resources that a stream never carries: they change all the time and nothing is drawn from them. */
const silent = new Set(["leases.coordination.k8s.io", "events"]);

export const stream = (): Hono<SandboxEnv> => {
  const app = new Hono<SandboxEnv>();
  app.get("/", (c) => {
    if (c.req.header("upgrade")?.toLowerCase() !== "websocket") {
      return problem(c, {
        type: "websocket-wanted",
        title: "This is a WebSocket",
        status: 426,
        detail: "/stream speaks WebSocket only.",
        fix: "Open it with a WebSocket client.",
      });
    }
    const mayReadSecrets = authorize(c.get("principal"), { verb: "list", group: "", resource: "secrets" }).allowed;
    return c.get("sandbox").acceptStream(c.req.raw, { revision: 0, mayReadSecrets, greeted: false });
  });
  return app;
};

/** Answers what a client said: a snapshot, or what changed since the revision it names. */
export function streamMessage(cluster: Cluster, socket: StreamSocket, text: string): void {
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch {
    socket.close(1007, "not JSON");
    return;
  }
  const message = clientMessage.safeParse(parsed);
  if (!message.success) {
    socket.close(1008, "expected {hello: {since?, namespaces?, watch?}}");
    return;
  }
  const { since, namespaces } = message.data.hello;
  const { namespaces: _, ...state } = socket.state;
  socket.state = { ...state, greeted: true, ...(namespaces === undefined ? {} : { namespaces }) };
  if (since !== undefined) {
    try {
      const changes = cluster.store.changesSince(Number(since));
      socket.state = { ...socket.state, revision: Number(since) };
      sendChanges(socket, changes, cluster.revision);
      return;
    } catch (error) {
      if (!(error instanceof StatusError)) throw error;
      socket.send(JSON.stringify({ reset: true }));
    }
  }
  sendSnapshot(cluster, socket);
}

/** Tells every greeted socket what was committed, each revision once and in order. */
export function broadcast(sockets: Iterable<StreamSocket>, changes: readonly StoreChange[], cluster: Cluster): void {
  for (const socket of sockets) {
    if (!socket.state.greeted) continue;
    if (socket.bufferedBytes() > slowReaderBytes) {
      socket.send(JSON.stringify({ reset: true }));
      socket.close(1013, "read too slowly");
      continue;
    }
    sendChanges(
      socket,
      changes.filter((change) => change.revision > socket.state.revision),
      cluster.revision,
    );
  }
}

function sendSnapshot(cluster: Cluster, socket: StreamSocket): void {
  const objects: KubeObject[] = [];
  for (const resource of cluster.store.resourcesInUse()) {
    if (!isCarried(resource, socket.state)) continue;
    for (const object of cluster.store.list(resource)) if (isInScope(object, socket.state)) objects.push(withoutManagedFields(object));
  }
  const frames = inFrames(objects);
  frames.forEach((frame, at) => {
    socket.send(JSON.stringify({ snapshot: frame, rv: String(cluster.revision), ...(at + 1 < frames.length ? { more: true } : {}) }));
  });
  socket.state = { ...socket.state, revision: cluster.revision };
}

function sendChanges(socket: StreamSocket, changes: readonly StoreChange[], revision: number): void {
  const told = changes
    .filter(({ resource, object }) => isCarried(resource, socket.state) && isInScope(object, socket.state))
    .map(({ type, object }) => ({ op: type, object: withoutManagedFields(object) }));
  const frames = told.length === 0 ? [] : inFrames(told);
  frames.forEach((frame, at) => {
    const rv = at + 1 === frames.length ? String(revision) : frame.at(-1)?.object.metadata.resourceVersion;
    socket.send(JSON.stringify({ changes: frame, rv }));
  });
  socket.state = { ...socket.state, revision };
}

const isCarried = (resource: string, { mayReadSecrets }: StreamState): boolean =>
  !silent.has(resource) && (resource !== "secrets" || mayReadSecrets);

const isInScope = (object: KubeObject, { namespaces }: StreamState): boolean =>
  namespaces === undefined || object.metadata.namespace === undefined || namespaces.includes(object.metadata.namespace);

function withoutManagedFields(object: KubeObject): KubeObject {
  if (object.metadata.managedFields === undefined) return object;
  const { managedFields: _, ...metadata } = object.metadata;
  return { ...object, metadata };
}

/** Cuts a list so that each part's text stays below the size of a frame. An empty list is one empty frame. */
function inFrames<T>(items: readonly T[]): T[][] {
  const frames: T[][] = [[]];
  let bytes = 0;
  for (const item of items) {
    const size = JSON.stringify(item).length;
    if (bytes > 0 && bytes + size > frameBytes) {
      frames.push([]);
      bytes = 0;
    }
    frames.at(-1)?.push(item);
    bytes += size;
  }
  return frames;
}
