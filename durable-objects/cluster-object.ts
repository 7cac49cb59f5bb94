/**
 * The Durable Object of one sandbox: opens storage, passes on requests, alarms and sockets. No rule of Kubernetes is here.
 */
import { DurableObject } from "cloudflare:workers";
import { outsideWorld } from "./cluster/api/outside-world.ts";
import { defaultOptions } from "./cluster/api/sandbox-options.ts";
import { Cluster } from "./cluster/cluster.ts";
import { applyManifest } from "./cluster/manifest.ts";
import { DirectoryStub } from "./directory-object.ts";
import { type DoorPorts, door, type Visit } from "./http/door.ts";
import { expireIfDue } from "./http/hub.ts";
import type { Sandbox } from "./http/sandbox.ts";
import { sandboxApp } from "./http/sandbox-app.ts";
import type { SandboxRecord, SandboxRow } from "./http/sandbox-record.ts";
import { broadcast, type StreamSocket, type StreamState, streamMessage } from "./http/stream.ts";
import { SocketPairs } from "./socket-pairs.ts";
import { SqliteStorage } from "./sqlite-storage.ts";

/** Due times nearer than this are waited for in memory: an alarm costs a row, and who is evicted meanwhile catches up on wake. */
const alarmFromMs = 10_000;
const recordSetting = "sandbox";

interface Env {
  DIRECTORY: DurableObjectNamespace;
}

export class ClusterObject extends DurableObject<Env> implements DoorPorts {
  readonly #storage: SqliteStorage;
  readonly #app = sandboxApp();
  readonly #door: (request: Request) => Promise<Response>;
  readonly directory: DirectoryStub;
  readonly record: SandboxRecord;
  #row: SandboxRow | undefined;
  #cluster: Cluster | undefined;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #alarmAt: number | null | undefined;
  #clusterDueAt: number | undefined;

  constructor(ctx: DurableObjectState, env: Env) {
    super(ctx, env);
    this.#storage = new SqliteStorage(ctx.storage);
    this.directory = new DirectoryStub(env.DIRECTORY);
    this.record = {
      read: () => this.#readRow(),
      write: (row) => this.#writeRow(row),
      destroy: () => this.#destroy(),
      usage: () => this.#usage(),
    };
    this.#door = door(this);
    ctx.setWebSocketAutoResponse(new WebSocketRequestResponsePair("ping", "pong"));
  }

  override fetch(request: Request): Promise<Response> {
    return this.#door(request);
  }

  override async alarm(): Promise<void> {
    this.#alarmAt = null;
    if (await expireIfDue(this, this.now())) return;
    if (this.#readRow() !== undefined) this.#wakeCluster().tick();
    this.#setAlarm();
  }

  override webSocketMessage(socket: WebSocket, message: string | ArrayBuffer): void {
    if (this.#readRow() === undefined) socket.close(1001, "this sandbox has ended");
    else
      streamMessage(this.#wakeCluster(), streamSocket(socket), typeof message === "string" ? message : new TextDecoder().decode(message));
  }

  override webSocketClose(socket: WebSocket, code: number): void {
    // 1005 and 1006 may be received, not sent.
    socket.close(code === 1005 || code === 1006 ? 1000 : code);
  }

  // ---- what the door asks for

  now(): number {
    return Date.now();
  }

  born(row: SandboxRow): void {
    const cluster = this.#wakeCluster();
    if (row.options.manifest !== undefined) applyManifest(cluster, row.options.manifest);
  }

  async serve(request: Request, { principal, row, baseURL }: Visit): Promise<Response> {
    const sandbox: Sandbox = {
      id: row.id,
      cluster: this.#wakeCluster(),
      sockets: new SocketPairs(),
      acceptStream: (_request, state) => this.#acceptStream(_request, state),
      background: (work) => this.ctx.waitUntil(work),
      delay,
    };
    return this.#app.fetch(request, { sandbox, principal, baseURL });
  }

  // ---- the cluster in memory

  /** The cluster, woken from storage where it is not in memory, or where its last turn failed half-way. */
  #wakeCluster(): Cluster {
    if (this.#cluster !== undefined && !this.#cluster.failed) return this.#cluster;
    const cluster = new Cluster(
      {
        storage: this.#storage,
        upstream: outsideWorld,
        realTime: () => Date.now(),
        wakeAt: (at) => this.#wakeAt(at),
      },
      this.#readRow()?.options ?? defaultOptions,
    );
    cluster.watches.subscribeAll((changes) => broadcast(this.ctx.getWebSockets().map(streamSocket), changes, cluster));
    this.#cluster = cluster;
    return cluster;
  }

  #wakeAt(at: number | undefined): void {
    this.#clusterDueAt = at;
    clearTimeout(this.#timer);
    this.#timer = undefined;
    if (at !== undefined && at - Date.now() < alarmFromMs) {
      this.#timer = setTimeout(() => this.#tick(), Math.max(0, at - Date.now()));
      return;
    }
    this.#setAlarm();
  }

  #tick(): void {
    if (this.#readRow() !== undefined) this.#wakeCluster().tick();
  }

  /** One alarm for everything: the sandbox's end, or the next time at which stored state must change. */
  #setAlarm(): void {
    const row = this.#row;
    const times = [row?.expiresAt ?? undefined, this.#clusterDueAt].filter((at) => at !== undefined);
    const wanted = row === undefined || times.length === 0 ? null : Math.min(...times);
    if (wanted === this.#alarmAt) return;
    this.#alarmAt = wanted;
    this.ctx.waitUntil(wanted === null ? this.ctx.storage.deleteAlarm() : this.ctx.storage.setAlarm(wanted));
  }

  // ---- the sandbox's own row

  #readRow(): SandboxRow | undefined {
    if (this.#row !== undefined) return this.#row;
    const stored = this.#storage.readSetting(recordSetting);
    if (stored !== undefined) this.#row = JSON.parse(stored) as SandboxRow;
    return this.#row;
  }

  #writeRow(row: SandboxRow): void {
    this.#row = row;
    this.#storage.transaction((tx) => tx.putSetting(recordSetting, JSON.stringify(row)));
    this.#setAlarm();
  }

  async #destroy(): Promise<void> {
    clearTimeout(this.#timer);
    for (const socket of this.ctx.getWebSockets()) socket.close(1001, "this sandbox has ended");
    this.#row = undefined;
    this.#cluster = undefined;
    this.#clusterDueAt = undefined;
    this.#alarmAt = undefined;
    await this.ctx.storage.deleteAlarm();
    await this.ctx.storage.deleteAll();
    this.#storage.forgetPrepared();
  }

  #usage(): Record<string, number> {
    const { store } = this.#wakeCluster();
    const resources = store.resourcesInUse();
    return {
      objects: resources.reduce((sum, resource) => sum + store.count(resource), 0),
      pods: store.count("pods"),
      nodes: store.count("nodes"),
      bytes: this.ctx.storage.sql.databaseSize,
      revision: store.revision,
    };
  }

  #acceptStream(_request: Request, state: StreamState): Response {
    const pair = new WebSocketPair();
    this.ctx.acceptWebSocket(pair[1]);
    pair[1].serializeAttachment(state);
    return new Response(null, { status: 101, webSocket: pair[0] });
  }
}

/** The stream's view of a socket that may have hibernated: its state is the attachment. */
const streamSocket = (socket: WebSocket): StreamSocket => ({
  get state(): StreamState {
    return socket.deserializeAttachment() as StreamState;
  },
  set state(state: StreamState) {
    socket.serializeAttachment(state);
  },
  send: (text) => socket.send(text),
  close: (code, reason) => socket.close(code, reason),
  // workerd does not tell what a socket has not sent yet.
  bufferedBytes: () => 0,
});

function delay(ms: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(done, Math.min(ms, 0x7fffffff));
    function done(): void {
      clearTimeout(timer);
      signal?.removeEventListener("abort", done);
      resolve();
    }
    signal?.addEventListener("abort", done);
  });
}
