/**
 * Routes as they are answered: decided by the network, kept as traces, said in the asker's language.
 */
import type { Route, RouteQuery } from "../cluster/api/network.ts";
import type { Cluster } from "../cluster/cluster.ts";
import { routeAnswer as answerOf, keepTrace, type RouteAnswer } from "../cluster/explain/kept-route.ts";
import type { Language } from "../cluster/explain/messages/catalogue.ts";

/** Sends one packet, keeps its trace, and answers as `/route` does. */
export function routeAnswer(cluster: Cluster, query: RouteQuery, language: Language): RouteAnswer {
  const { id, content } = keepTrace(cluster.traces, query, cluster.network.route(query), cluster.facts);
  return answerOf(content.kept, id, language, query.detail === "full");
}

/** Many flows of one query, one seed after the other. */
export interface Histogram {
  count: number;
  verdicts: Record<string, number>;
  /** Most often chosen first. */
  backends: { pod?: string; ip: string; port: number; node?: string; count: number; share: number }[];
  candidates: Route["candidates"];
}

export function histogram(cluster: Cluster, query: RouteQuery, count: number): Histogram {
  const verdicts: Record<string, number> = {};
  const backends = new Map<string, Histogram["backends"][number]>();
  const { candidates } = cluster.network.route({ ...withoutHttp(query), seed: query.seed ?? 0 });
  for (let flow = 0; flow < count; flow += 1) {
    const { verdict, backend } = cluster.network.outcome(query.seed === undefined ? query : { ...query, seed: query.seed + flow });
    verdicts[verdict] = (verdicts[verdict] ?? 0) + 1;
    if (backend === undefined) continue;
    const key = `${backend.ip} ${backend.port}`;
    const known = backends.get(key)?.count ?? 0;
    backends.set(key, { ...backend, count: known + 1, share: (known + 1) / count });
  }
  return { count, verdicts, backends: [...backends.values()].sort((a, b) => b.count - a.count || (a.ip < b.ip ? -1 : 1)), candidates };
}

const withoutHttp = ({ http: _http, ...query }: RouteQuery): RouteQuery => query;
