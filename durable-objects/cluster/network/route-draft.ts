/**
 * A route while it is made: hops get their numbers, and it comes to exactly one end.
 */
import type { Protocol, Resolution, Route, Verdict } from "../api/network.ts";
import type { Cause, HopDraft, Way } from "./way.ts";

export class RouteDraft {
  readonly protocol: Protocol;
  readonly seed: number;
  readonly #hops: Route["hops"] = [];
  resolution: Resolution | undefined;
  target: Route["target"];
  http: Route["http"];
  cause: Route["cause"];
  #way: Way | undefined;
  #end: Route | undefined;

  constructor(protocol: Protocol, seed: number) {
    this.protocol = protocol;
    this.seed = seed;
  }

  hop(hop: HopDraft): void {
    this.#hops.push({ n: this.#hops.length + 1, ...hop });
  }

  hops(hops: readonly HopDraft[]): void {
    for (const hop of hops) this.hop(hop);
  }

  follow(way: Way): void {
    this.#way = way;
    this.hops(way.hops);
  }

  stop(at: string, verdict: Exclude<Verdict, "delivered">, cause: Cause, of: Partial<Pick<Way, "icmp" | "rule" | "objects">> = {}): Route {
    const params = { cause: cause.code, ...scalars(cause.params), icmp: of.icmp ?? "" };
    this.hop({ at, does: "stop", code: `stop-${verdict}`, params, objects: [...(of.objects ?? [])] });
    this.cause = cause;
    this.#end = {
      ...this.#route(verdict),
      ...(of.rule === undefined ? {} : { rule: of.rule }),
      ...(of.icmp === undefined ? {} : { icmp: of.icmp }),
    };
    return this.#end;
  }

  stopped(): Route {
    if (this.#end === undefined) throw new Error("network: a route without target has not come to a stop");
    return this.#end;
  }

  delivered({ end, source }: Way): Route {
    return {
      ...this.#route("delivered"),
      backend: end!.backend,
      sourceSeenByBackend: source.ip,
      ...(this.http === undefined ? {} : { http: this.http }),
    };
  }

  #route(verdict: Route["verdict"]): Route {
    return {
      verdict,
      protocol: this.protocol,
      seed: this.seed,
      hops: this.#hops,
      candidates: this.#way?.candidates ?? [],
      ...(this.#way && this.#way.latencyMs > 0 ? { latencyMs: this.#way.latencyMs } : {}),
      ...(this.resolution === undefined ? {} : { resolution: this.resolution }),
      ...(this.target === undefined ? {} : { target: this.target }),
      ...(this.cause === undefined ? {} : { cause: this.cause }),
    };
  }
}

/** Parameters of a hop are single values. */
function scalars(params: Record<string, unknown>): Record<string, string | number | boolean> {
  return Object.fromEntries(
    Object.entries(params).map(([key, value]) => [key, Array.isArray(value) ? value.join(", ") : (value as string | number | boolean)]),
  );
}
