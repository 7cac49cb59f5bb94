/**
 * Virtual servers of a kernel's IPVS, and how ipvsadm writes them.
 */
import type { ObjectRef } from "../../api/network.ts";
import type { RuleOrigin } from "../rule-set.ts";
import type { ServiceProtocol } from "../service-changes.ts";

export interface RealServer {
  ip: string;
  port: number;
  /** 0: takes no new connections. */
  weight: number;
  objects: readonly ObjectRef[];
}

export interface VirtualServer {
  ip: string;
  port: number;
  protocol: ServiceProtocol;
  scheduler: string;
  /** Seconds a client stays with its real server; absent without session affinity. */
  persistentSeconds?: number;
  realServers: readonly RealServer[];
  origin: RuleOrigin;
}

/** `10.96.0.20:80`, `[fd00::1]:80` */
export const socketText = ({ ip, port }: { ip: string; port: number }): string => (ip.includes(":") ? `[${ip}]:${port}` : `${ip}:${port}`);

const protocolFlags: Record<ServiceProtocol, string> = { TCP: "-t", UDP: "-u", SCTP: "--sctp-service" };

/** `-t 10.96.0.20:80`: the virtual server among all others. */
export const serverKey = (server: Pick<VirtualServer, "ip" | "port" | "protocol">): string =>
  `${protocolFlags[server.protocol]} ${socketText(server)}`;

/** `-t 10.96.0.20:80 -s rr -p 10800`; the scheduler `mh` looks at source ports, too. */
export function serverText(server: VirtualServer): string {
  const persistent = server.persistentSeconds === undefined ? "" : ` -p ${server.persistentSeconds}`;
  return `${serverKey(server)} -s ${server.scheduler}${persistent}${server.scheduler === "mh" ? " -b mh-port" : ""}`;
}

/** `-t 10.96.0.20:80 -r 10.244.0.5:8080 -m -w 1` */
export const realServerText = (server: VirtualServer, real: RealServer): string =>
  `${serverKey(server)} -r ${socketText(real)} -m -w ${real.weight}`;

const protocolOrder: Record<ServiceProtocol, number> = { TCP: 0, UDP: 1, SCTP: 2 };

/** By address as text, port, and TCP before UDP before SCTP. */
export const inListingOrder = (servers: Iterable<VirtualServer>): VirtualServer[] =>
  [...servers].sort((a, b) =>
    a.ip === b.ip ? a.port - b.port || protocolOrder[a.protocol] - protocolOrder[b.protocol] : a.ip < b.ip ? -1 : 1,
  );
