/** traefik/whoami: tells who answered and what was asked. */
import type { Pod } from "../../api/objects.ts";
import { flagValue, type Program } from "../process.ts";
import { httpListener, type ParsedRequest } from "./http-server.ts";
import type { Image } from "./image.ts";
import { scratch } from "./userlands.ts";

const whoamiProgram: Program = ({ argv, env }) => {
  const port = Number(flagValue(argv, "port") ?? env.WHOAMI_PORT_NUMBER ?? 80);
  const name = flagValue(argv, "name") ?? env.WHOAMI_NAME;
  return {
    does: "run",
    lines: [`Starting up on port ${port}`],
    listeners: (container) => [
      httpListener(container, port, "go", (request, client) => {
        if (request.pathname === "/health") return { status: 200 };
        if (request.pathname === "/api") return { type: "application/json", body: `${JSON.stringify(asJSON(container.pod, request))}\n` };
        return {
          type: "text/plain; charset=utf-8",
          body: `${name === undefined ? "" : `Name: ${name}\n`}${asText(container.pod, request, client.ip, client.port)}`,
        };
      }),
    ],
  };
};

const addresses = ({ status }: Pod): string[] => ["127.0.0.1", "::1", ...(status.podIPs ?? []).map(({ ip }) => ip ?? "")];

const host = (request: ParsedRequest): string => request.header("host") ?? "";

function asText(pod: Pod, request: ParsedRequest, ip: string, port: number): string {
  const headers = request.headers.filter(([name]) => name.toLowerCase() !== "host").map(([name, value]) => `${name}: ${value}`);
  return [
    `Hostname: ${pod.metadata.name}`,
    ...addresses(pod).map((address) => `IP: ${address}`),
    `RemoteAddr: ${ip.includes(":") ? `[${ip}]` : ip}:${port}`,
    `${request.method} ${request.path} HTTP/1.1`,
    `Host: ${host(request)}`,
    ...headers.sort(),
    "\n",
  ].join("\n");
}

const asJSON = (pod: Pod, request: ParsedRequest) => ({
  hostname: pod.metadata.name,
  ip: addresses(pod),
  headers: Object.fromEntries(request.headers.map(([name, value]) => [name, [value]])),
  url: request.path,
  host: host(request),
  method: request.method,
});

export const whoami: Image = {
  names: ["traefik/whoami", "containous/whoami", "jwilder/whoami"],
  userland: scratch,
  sizeBytes: 2_932_144,
  entrypoint: ["/whoami"],
  cmd: [],
  programs: { whoami: whoamiProgram },
};
