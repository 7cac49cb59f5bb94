/**
 * The door of a sandbox: every request to the object passes it, and only those of a living sandbox and a known visitor
 * reach the surfaces behind.
 *
 * It answers by itself what has nothing to do with the cluster: 404, 410, 401, the hub's calls, `/session` and
 * `/kubeconfig`. Visits move the expiry. An object without a sandbox asks the directory once and writes nothing.
 */
import { authorize } from "../cluster/access/authorize.ts";
import { outsider, principalOf } from "../cluster/access/credentials.ts";
import type { Principal } from "../cluster/access/principal.ts";
import { defaultOptions } from "../cluster/api/sandbox-options.ts";
import { expireIfDue, hubApp, type LifePorts } from "./hub.ts";
import { kubeconfigFor } from "./kubeconfig.ts";
import { endedSandbox, notAllowed, unknownSandbox, unknownVisitor } from "./refusals.ts";
import { afterVisit, isDue, type SandboxRow } from "./sandbox-record.ts";
import { answerSession } from "./session.ts";
import { stripVisitHeaders, type VisitFacts, visitFacts } from "./visit-headers.ts";

/** What the surfaces behind the door get to know about a request. */
export interface Visit {
  principal: Principal;
  row: SandboxRow;
  /** Public address of the sandbox, without a trailing slash. */
  baseURL: string;
}

export interface DoorPorts extends LifePorts {
  /** The surfaces. The request's path is the sandbox's own: `/api/v1/pods`, `/route`, `/lb/…`. */
  serve(request: Request, visit: Visit): Response | Promise<Response>;
}

/** The id of the one open sandbox of local mode. */
export const demoId = "demo";

export function door(ports: DoorPorts): (request: Request) => Promise<Response> {
  const hub = hubApp(ports);
  /** What the directory said about an object that holds no sandbox. */
  let absence: ((path: string) => Response) | undefined;

  /** Who is known, while the object is awake: two tokens by four carriers at most. Hashing costs more than all else here. */
  const accepted = new Map<string, Principal>();

  const knownVisitor = ({ credential, via }: VisitFacts, row: SandboxRow): Principal | undefined => {
    const key = `${via} ${credential ?? ""}`;
    const principal = accepted.get(key) ?? principalOf(credential, via, row);
    if (principal !== undefined) accepted.set(key, principal);
    return principal;
  };

  const whyAbsent = async (id: string): Promise<(path: string) => Response> => {
    const ended = (await ports.directory.find(id))?.ended;
    return ended === undefined ? unknownSandbox : (path) => endedSandbox(path, ended);
  };

  return async (request) => {
    const facts = visitFacts(request.headers);
    const path = new URL(request.url).pathname;
    if (facts.internal && path === "/_/create") {
      absence = undefined;
      return hub.fetch(request);
    }
    const row = await livingRow(ports, facts);
    if (row === undefined) {
      accepted.clear();
      absence ??= await whyAbsent(facts.id);
      return absence(facts.internal ? "/sandbox" : path);
    }
    if (facts.internal) return hub.fetch(request);
    if (path === "/session") return answerSession(request, facts, row);

    const outside = isOutside(path);
    const principal = outside ? outsider : knownVisitor(facts, row);
    if (principal === undefined) return unknownVisitor(path, facts.credential !== undefined);
    const visited = afterVisit(row, ports.now());
    if (visited !== row) ports.record.write(visited);
    if (path === "/kubeconfig") return answerKubeconfig(request, facts, principal);
    return ports.serve(outside ? withoutOurHeaders(request) : request, { principal, row: visited, baseURL: facts.baseURL });
  };
}

/** `/lb/…` and `/node/…` are the world outside: the id is the capability, no credential is used. */
export const isOutside = (path: string): boolean => path.startsWith("/lb/") || path.startsWith("/node/");

/** The row of a sandbox that lives at this moment; gives birth to `demo` and ends what is due. */
async function livingRow(ports: DoorPorts, { id, local }: VisitFacts): Promise<SandboxRow | undefined> {
  const row = ports.record.read();
  if (row !== undefined) {
    if (!isDue(row, ports.now())) return row;
    await expireIfDue(ports, ports.now());
    return undefined;
  }
  if (!local || id !== demoId) return undefined;
  const demo: SandboxRow = {
    id,
    name: "demo",
    options: defaultOptions,
    createdAt: ports.now(),
    ttlSeconds: 0,
    expiresAt: null,
    endsAt: null,
  };
  ports.record.write(demo);
  ports.born(demo);
  return demo;
}

function answerKubeconfig(request: Request, { id, baseURL, credential, certificateAuthority }: VisitFacts, principal: Principal): Response {
  if (request.method !== "GET" && request.method !== "HEAD") return new Response(null, { status: 405, headers: { allow: "GET, HEAD" } });
  const decision = authorize(principal, { verb: "get", group: "kubearium.dev", resource: "kubeconfig" });
  if (!decision.allowed) return notAllowed(decision.reason);
  return new Response(kubeconfigFor({ id, baseURL, credential, certificateAuthority }), {
    headers: {
      "content-type": "application/yaml",
      "content-disposition": `attachment; filename="kubearium-${id}.yaml"`,
      "cache-control": "no-store",
    },
  });
}

/** The emulated app must not see what the Worker wrote for us. */
function withoutOurHeaders(request: Request): Request {
  const headers = new Headers(request.headers);
  stripVisitHeaders(headers);
  return new Request(request, { headers });
}
