/**
 * `@kubernetes/client-node` 2, loadable under Node 20: the HTTP client below it counts on three things of Node 22. Nothing
 * here answers in zstd or clones a request, so stand-ins are enough.
 */
import workerThreads from "node:worker_threads";
import zlib from "node:zlib";

const compression = zlib as unknown as Record<string, unknown>;
compression.createZstdDecompress ??= () => {
  throw new Error("this Node has no zstd");
};
const threads = workerThreads as unknown as Record<string, unknown>;
threads.markAsUncloneable ??= () => {};
const promises = Promise as unknown as Record<string, unknown>;
promises.withResolvers ??= () => {
  const parts: Record<string, unknown> = {};
  parts.promise = new Promise((resolve, reject) => Object.assign(parts, { resolve, reject }));
  return parts;
};

export const k8s = await import("@kubernetes/client-node");
