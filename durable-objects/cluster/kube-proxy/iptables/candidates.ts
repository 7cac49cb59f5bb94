/**
 * All ways a packet can go, with their probabilities: the walk itself, repeated over every outcome of its draws.
 */
import type { Candidate, Packet, WalkOptions } from "../rule-set.ts";
import type { KernelTables } from "./kernel-tables.ts";
import { type Host, walkRules } from "./walk-rules.ts";

/** The ten decimals in which kube-proxy writes probabilities; also hides the last bits of the products. */
const decimals = 10;

export function candidatesOf(
  tables: KernelTables,
  host: Host,
  packet: Packet,
  options: Omit<WalkOptions, "random" | "detail">,
): Candidate[] {
  const ways = new Map<string, Candidate>();
  const open: boolean[][] = [[]];
  for (let script = open.pop(); script !== undefined; script = open.pop()) {
    const { way, draws } = walkScript(tables, host, packet, options, script);
    const key = `${way.verdict} ${way.ip} ${way.port} ${way.masqueraded}`;
    const known = ways.get(key);
    ways.set(key, known === undefined ? way : { ...way, probability: known.probability + way.probability });
    for (let at = script.length; at < draws.length; at += 1) open.push([...draws.slice(0, at), false]);
  }
  return [...ways.values()]
    .map((way) => ({ ...way, probability: Number(way.probability.toFixed(decimals)) }))
    .sort((a, b) => b.probability - a.probability || (a.ip < b.ip ? -1 : a.ip > b.ip ? 1 : (a.port ?? 0) - (b.port ?? 0)));
}

/** Walks with the first draws as given and all later ones won. A draw that cannot be lost (once in one) is not one. */
function walkScript(
  tables: KernelTables,
  host: Host,
  packet: Packet,
  options: Omit<WalkOptions, "random" | "detail">,
  script: readonly boolean[],
): { way: Candidate; draws: boolean[] } {
  const draws: boolean[] = [];
  let probability = 1;
  const walk = walkRules(tables, host, packet, {
    ...options,
    draws: (of) => {
      const won = script[draws.length] ?? true;
      draws.push(won);
      probability *= won ? 1 / of : 1 - 1 / of;
      return won ? 0 : 1;
    },
  });
  const port = walk.destinationPort === undefined ? {} : { port: walk.destinationPort };
  return { way: { verdict: walk.verdict, ip: walk.dst, ...port, masqueraded: walk.masqueraded, probability }, draws };
}
