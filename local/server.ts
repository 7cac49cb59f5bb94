/**
 * The built Worker in workerd, on one port: what `npm start`, the end-to-end tests and the benchmarks run.
 *
 * The port is workerd's own socket to our Worker, not miniflare's development router in front of it: that one lets whoever
 * reaches it call the bindings, rewrites headers, and costs a hop. TLS is therefore taken off here, before workerd.
 */
import type { ChildProcess } from "node:child_process";
import net, { type AddressInfo } from "node:net";
import { networkInterfaces } from "node:os";
import path from "node:path";
import type { Readable } from "node:stream";
import { Miniflare, NoOpLog } from "miniflare";
import type { LocalMode } from "../worker/env.ts";
import { takeOffTLS } from "./tls-front.ts";
import { captureWorkerd } from "./workerd-process.ts";

export interface ServerOptions {
  /** `dist`: holds `worker/index.js` and `web/`. */
  dist: string;
  host: string;
  /** 0: any free one. */
  port: number;
  /** Where sandboxes are kept. `undefined`: in memory, gone with the process. */
  stateFolder?: string;
  certificate?: { key: string; cert: string };
  /** `false`: as deployed, without `demo` and with the operator's key alone. For tests. */
  local?: boolean;
  operatorKey?: string;
  /** What the Worker and workerd write. Default: nowhere. */
  log?: NodeJS.WritableStream;
}

export interface RunningServer {
  /** `http://127.0.0.1:8787`, without a trailing slash. */
  url: string;
  workerd: ChildProcess;
  /** Ends workerd and frees the port. */
  stop(): Promise<void>;
}

export async function startServer(options: ServerOptions): Promise<RunningServer> {
  const port = await freePort(options.host, options.port);
  const { certificate } = options;
  const inner = certificate === undefined ? { host: options.host, port } : { host: "127.0.0.1", port: await freePort("127.0.0.1", 0) };
  const captured = captureWorkerd();
  const miniflare = new Miniflare(miniflareOptions(options, inner, port));
  try {
    await miniflare.ready;
  } catch (error) {
    await miniflare.dispose();
    throw error;
  } finally {
    captured.release();
  }
  const workerd = captured.process();
  const front = certificate === undefined ? undefined : await takeOffTLS(certificate, { host: options.host, port }, inner.port);
  return {
    url: `${certificate === undefined ? "http" : "https"}://${inURL(options.host)}:${port}`,
    workerd,
    stop: async () => {
      front?.close();
      await miniflare.dispose();
    },
  };
}

function miniflareOptions(
  { dist, stateFolder, local, operatorKey, log, host, certificate }: ServerOptions,
  inner: { host: string; port: number },
  publicPort: number,
): ConstructorParameters<typeof Miniflare>[0] {
  const worker = path.join(dist, "worker");
  const mode: LocalMode = {
    hosts: hostsOf(host, publicPort),
    loopbackOnly: loopbackHosts.includes(host),
    ...(certificate === undefined ? {} : { certificateAuthority: Buffer.from(certificate.cert).toString("base64") }),
  };
  return {
    name: "kubearium",
    // miniflare's own router; nobody is told its port.
    host: "127.0.0.1",
    port: 0,
    unsafeDirectSockets: [inner],
    cf: false,
    log: new NoOpLog(),
    handleRuntimeStdio: (stdout: Readable, stderr: Readable) => {
      for (const stream of [stdout, stderr]) {
        if (log === undefined) stream.resume();
        else stream.pipe(log, { end: false });
      }
    },
    modules: [{ type: "ESModule", path: path.join(worker, "index.js") }],
    modulesRoot: worker,
    compatibilityDate: "2026-04-01",
    compatibilityFlags: ["nodejs_compat"],
    durableObjects: {
      CLUSTERS: { className: "ClusterObject", useSQLite: true },
      DIRECTORY: { className: "DirectoryObject", useSQLite: true },
    },
    durableObjectsPersist: stateFolder ?? false,
    serviceBindings: { ASSETS: { disk: { path: path.join(dist, "web"), writable: false } } },
    bindings: {
      ...(local === false ? {} : { LOCAL: { ...mode, hosts: [...mode.hosts] } }),
      ...(operatorKey === undefined ? {} : { OPERATOR_KEY: operatorKey }),
    },
  };
}

const loopbackHosts = ["127.0.0.1", "localhost", "::1"];
const everywhere = ["0.0.0.0", "::"];

/** Every value of `Host` that means this server. The first is the one to show. */
function hostsOf(host: string, port: number): string[] {
  const own = everywhere.includes(host)
    ? Object.values(networkInterfaces()).flatMap((all) => (all ?? []).map(({ address }) => address))
    : [host];
  const names = [...new Set([...(loopbackHosts.includes(host) ? [] : own), ...loopbackHosts])].map(inURL);
  // Loopback without a port is no other site either: some HTTP/2 clients leave the port out.
  return names.flatMap((name) =>
    port === 80 || port === 443 || loopbackHosts.includes(name) ? [`${name}:${port}`, name] : [`${name}:${port}`],
  );
}

const inURL = (host: string): string => {
  if (everywhere.includes(host)) return "127.0.0.1";
  return host.includes(":") ? `[${host}]` : host;
};

/** The port itself where it is free; fails where it is not, which workerd would say less clearly. */
function freePort(host: string, port: number): Promise<number> {
  return new Promise((resolve, reject) => {
    const probe = net.createServer();
    probe.once("error", reject);
    probe.listen({ host, port, exclusive: true }, () => {
      const { port: found } = probe.address() as AddressInfo;
      probe.close(() => resolve(found));
    });
  });
}
