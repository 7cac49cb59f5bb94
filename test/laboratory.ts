/** A cluster in process for tests: time is moved by hand, requests are what a client would send. */
import { parseAllDocuments } from "yaml";
import { outsideWorld } from "../durable-objects/cluster/api/outside-world.ts";
import { defaultOptions, type SandboxOptions } from "../durable-objects/cluster/api/sandbox-options.ts";
import type { ApiResponse } from "../durable-objects/cluster/apiserver/api-server.ts";
import { Cluster } from "../durable-objects/cluster/cluster.ts";
import { MemoryStorage } from "../durable-objects/cluster/storage/memory-storage.ts";

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

export class Laboratory {
  readonly storage = new MemoryStorage();
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
    this.#cluster = this.#open();
  }

  /** Lets cluster time pass. */
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
      principal: { user: "kubernetes-admin", groups: ["system:masters", "system:authenticated"], via: "internal" },
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
    return new Cluster({ storage: this.storage, upstream: outsideWorld, realTime: () => this.#time, wakeAt: () => {} }, this.#options);
  }
}
