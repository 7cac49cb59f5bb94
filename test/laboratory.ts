/** A cluster in process for tests: time is moved by hand, requests are what a client would send. */
import { parseAllDocuments } from "yaml";
import { viewersGroup } from "../durable-objects/cluster/access/credentials.ts";
import type { Principal } from "../durable-objects/cluster/access/principal.ts";
import { outsideWorld } from "../durable-objects/cluster/api/outside-world.ts";
import { defaultOptions, type SandboxOptions } from "../durable-objects/cluster/api/sandbox-options.ts";
import type { ApiResponse } from "../durable-objects/cluster/apiserver/api-server.ts";
import { Cluster } from "../durable-objects/cluster/cluster.ts";
import { MemoryStorage } from "../durable-objects/cluster/storage/memory-storage.ts";
import type { Sandbox } from "../durable-objects/http/sandbox.ts";
import { sandboxApp } from "../durable-objects/http/sandbox-app.ts";

export interface Answer {
  code: number;
  body: any;
  warnings: string[];
}

export interface RawRequest {
  method: string;
  path: string;
  query: string;
  contentType: string | undefined;
  accept: string | undefined;
  body: Uint8Array;
}

export const administrator: Principal = {
  user: "kubernetes-admin",
  groups: ["system:masters", "system:authenticated"],
  via: "internal",
};
export const viewer: Principal = { user: "viewer", groups: [viewersGroup, "system:authenticated"], via: "internal" };

const surfaces = sandboxApp();

export class Laboratory {
  readonly storage = new MemoryStorage();
  /** For when the cluster last asked to be woken, in real time. */
  wakeAt: number | undefined;
  readonly #options: SandboxOptions;
  #time = Date.parse("2026-11-24T12:00:00Z");
  #cluster: Cluster;

  constructor(options: Partial<SandboxOptions> = {}) {
    this.#options = { ...defaultOptions, ...options };
    this.#cluster = this.#open();
  }

  get cluster(): Cluster {
    return this.#cluster;
  }

  /** Forgets everything that is not stored, as an object that leaves memory does. */
  evict(): void {
    // It leaves memory ten seconds after the last request at the earliest: what was lived is saved by then.
    this.#cluster.saveLived();
    this.#cluster = this.#open();
  }

  get realTime(): number {
    return this.#time;
  }

  /** Lets real time pass, and with it cluster time, unless the clock says otherwise. */
  wait(ms: number): void {
    this.#time += ms;
    this.#cluster.tick();
  }

  send(method: string, path: string, body?: unknown, options: { contentType?: string; accept?: string } = {}): Answer {
    const [pathname = "", query = ""] = path.split("?");
    return this.sendRaw({
      method,
      path: pathname,
      query,
      contentType: options.contentType ?? "application/json",
      accept: options.accept,
      body: new TextEncoder().encode(body === undefined ? "" : typeof body === "string" ? body : JSON.stringify(body)),
    });
  }

  /** A request to a surface of the sandbox. */
  async http(method: string, path: string, body?: unknown, principal: Principal = administrator): Promise<{ status: number; body: any }> {
    const init = {
      method,
      headers: { "content-type": "application/json", "user-agent": "laboratory/1" },
      ...(body === undefined ? {} : { body: typeof body === "string" ? body : JSON.stringify(body) }),
    };
    const sandbox = { id: "demo", cluster: this.#cluster } as Sandbox;
    const response = await surfaces.fetch(new Request(`http://sandbox${path}`, init), { sandbox, principal, baseURL: "http://sandbox" });
    const text = await response.text();
    return { status: response.status, body: (response.headers.get("content-type") ?? "").includes("json") ? JSON.parse(text) : text };
  }

  /** The same with nothing filled in. */
  sendRaw(request: RawRequest): Answer {
    const { contentType, accept } = request;
    const response: ApiResponse = this.#cluster.handle({
      method: request.method,
      path: request.path,
      query: new URLSearchParams(request.query),
      ...(contentType === undefined ? {} : { contentType }),
      ...(accept === undefined ? {} : { accept }),
      userAgent: "laboratory/1",
      body: request.body,
      principal: administrator,
      serverAddress: "127.0.0.1:8787",
    });
    if (response.kind === "watch") return { code: 200, body: response.session.initial, warnings: response.warnings };
    if (response.kind === "stream") return { code: 101, body: response, warnings: [] };
    if (response.kind === "bytes") return { code: response.code, body: response.body, warnings: [] };
    return { code: response.code, body: response.body, warnings: response.warnings };
  }

  /** Creates the objects of a manifest in `default` (or where they say), and gives the answers. */
  create(yaml: string): Answer[] {
    return parseAllDocuments(yaml).map((document) => {
      const object = document.toJS() as { apiVersion: string; kind: string; metadata: { namespace?: string } };
      const path = this.#cluster.collectionPath(object.apiVersion, object.kind, object.metadata.namespace ?? "default");
      if (path === undefined) throw new Error(`nobody serves ${object.kind} in ${object.apiVersion}`);
      return this.send("POST", path, object);
    });
  }

  #open(): Cluster {
    return new Cluster(
      {
        storage: this.storage,
        upstream: outsideWorld,
        realTime: () => this.#time,
        wakeAt: (at) => {
          this.wakeAt = at;
        },
      },
      this.#options,
    );
  }
}
