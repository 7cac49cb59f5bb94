/** What kube-system runs: CoreDNS, whose answers come from `dns/` and not from here, and the pause container. */

import { type Exits, exits, type ReadFile } from "../process.ts";
import { goNotFound, httpListener, type Reply } from "./http-server.ts";
import type { Image } from "./image.ts";
import { scratch } from "./userlands.ts";

const answers = (path: string, reply: Reply) => (request: { pathname: string }) => (request.pathname === path ? reply : goNotFound);
const ok: Reply = { type: "text/plain; charset=utf-8", body: "OK" };

export const coredns: Image = {
  names: ["registry.k8s.io/coredns/coredns", "coredns/coredns"],
  userland: scratch,
  sizeBytes: 22_784_740,
  entrypoint: ["/coredns"],
  cmd: [],
  programs: {
    coredns: () => ({
      does: "run",
      lines: [".:53", "CoreDNS-1.13.1", "linux/amd64, go1.25.2"],
      listeners: (container) => [
        { protocol: "UDP", port: 53 },
        { protocol: "TCP", port: 53 },
        httpListener(container, 8080, "go", answers("/health", ok)),
        httpListener(container, 8181, "go", answers("/ready", ok)),
        { protocol: "TCP", port: 9153 },
      ],
    }),
  },
};

/**
 * How CoreDNS ends that cannot read its Corefile. A running one reads it again when it changes; unlike the real one,
 * which keeps what it had until it is started anew, it ends then, too (docs/differences.md).
 */
export function corefileRefusal(readFile: ReadFile, problemOf: ((text: string) => string | undefined) | undefined): Exits | undefined {
  const file = readFile("/etc/coredns/Corefile");
  const problem = file && problemOf?.(new TextDecoder().decode(file));
  return problem === undefined ? undefined : { ...exits(1, [problem]), hasWaited: true };
}

export const pause: Image = {
  names: ["registry.k8s.io/pause", "k8s.gcr.io/pause"],
  userland: scratch,
  sizeBytes: 318_731,
  entrypoint: ["/pause"],
  cmd: [],
  programs: { pause: () => ({ does: "run" }) },
};
