/**
 * Keeps what was compiled for a service port, shared by all nodes of a cluster: where nodes choose the same endpoints and
 * are told apart by nothing else, a Service is compiled once.
 */
import { parseCidr } from "./address.ts";
import type { Endpoint } from "./endpoint-changes.ts";
import type { ServicePortEntry } from "./service-map.ts";
import { type Locality, type UsableEndpoints, usableEndpoints } from "./usable-endpoints.ts";

/** What of a node every backend needs to know for one port. */
export interface NodeFacts {
  /** One of the port's source ranges contains the node; then its load balancer addresses may come, too. */
  nodeInSourceRanges: boolean;
  isHere(endpoint: Endpoint): boolean;
}

export type PortCompiler<Context, Compiled> = (entry: ServicePortEntry, use: UsableEndpoints, context: Context & NodeFacts) => Compiled;

/** Compiled service ports with their entries, in the order of the service map. */
export type CompiledPorts<Compiled> = readonly { entry: ServicePortEntry; compiled: Compiled }[];

export class PortCache<Context, Compiled> {
  readonly #compiler: PortCompiler<Context, Compiled>;
  /** Goes with the entry: a changed port is another entry. */
  readonly #byEntry = new WeakMap<ServicePortEntry, Map<string, Compiled>>();

  readonly #asksWhoIsHere: boolean;

  /** @param asksWhoIsHere the compiler calls `isHere`, so nodes with other endpoints on them do not share */
  constructor(compiler: PortCompiler<Context, Compiled>, asksWhoIsHere: boolean) {
    this.#compiler = compiler;
    this.#asksWhoIsHere = asksWhoIsHere;
  }

  /** @param context plain data: nodes with equal contexts share results */
  compile(entries: readonly ServicePortEntry[], node: { at: Locality; ip: string | undefined }, context: Context): CompiledPorts<Compiled> {
    const contextKey = JSON.stringify(context);
    return entries.map((entry) => {
      const nodeInSourceRanges = node.ip !== undefined && entry.port.sourceRanges.some((range) => parseCidr(range)!.contains(node.ip!));
      const isHere = (endpoint: Endpoint) => endpoint.node === node.at.node;
      const use = usableEndpoints(entry, node.at);
      const results = this.#byEntry.get(entry) ?? new Map<string, Compiled>();
      this.#byEntry.set(entry, results);
      const choice = choiceKey(entry, use, this.#asksWhoIsHere ? isHere : () => false);
      const key = `${choice}${nodeInSourceRanges ? "+" : " "}${contextKey}`;
      const compiled = results.get(key) ?? this.#compiler(entry, use, { ...context, nodeInSourceRanges, isHere });
      results.set(key, compiled);
      return { entry, compiled };
    });
  }
}

/** Tells choices of one entry apart: which endpoints are in which list, and which are on the node. */
function choiceKey({ endpoints }: ServicePortEntry, use: UsableEndpoints, isHere: (endpoint: Endpoint) => boolean): string {
  const cluster = new Set(use.cluster);
  const local = new Set(use.local);
  const digit = (endpoint: Endpoint) => (cluster.has(endpoint) ? 1 : 0) + (local.has(endpoint) ? 2 : 0) + (isHere(endpoint) ? 4 : 0);
  return endpoints.map(digit).join("") + (use.hasEndpoints ? "+" : "-");
}
