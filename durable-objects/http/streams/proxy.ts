/** `GET …/pods/{name}:{port}/proxy/…` and the same for services: the API server as a client of the emulated app. */
import type { Context } from "hono";
import type { Container, Pod, Service } from "../../cluster/api/objects.ts";
import { badRequest, failure, notFound } from "../../cluster/api/status-error.ts";
import type { ApiResponse } from "../../cluster/apiserver/api-server.ts";
import type { Cluster } from "../../cluster/cluster.ts";
import { portNumber } from "../../cluster/kubelet/probes.ts";
import type { SandboxEnv } from "../sandbox.ts";
import { appRequest, outsideResponse } from "./app-request.ts";
import { podOf } from "./container-choice.ts";

type StreamRequest = Extract<ApiResponse, { kind: "stream" }>;

export async function proxyTo({ of, namespace, name, rest }: StreamRequest, c: Context<SandboxEnv>): Promise<Response> {
  const { cluster } = c.get("sandbox");
  const { scheme, object, port } = parts(name);
  if (scheme === "https") throw badRequest("https is not served by the emulated apps");
  const target = of === "pods" ? podTarget(cluster, namespace, object, port) : serviceTarget(cluster, namespace, object, port);
  const { search } = new URL(c.req.url);
  const path = `/${rest.replace(/^\//, "")}${search}`;
  const request = await appRequest(c.req.raw, {
    path,
    host: new URL(c.req.url).host,
    header: (header, value) => (header === "authorization" || header === "cookie" ? undefined : value),
  });
  if (!request) throw failure(413, "RequestEntityTooLarge", "Request entity too large");
  const route = cluster.network.route({
    from: { kind: "node", node: target.node },
    to: { host: target.ip, port: target.port, protocol: "TCP" },
    http: request,
  });
  if (route.verdict === "delivered" && route.http) return outsideResponse(route.http.response);
  throw failure(
    503,
    "ServiceUnavailable",
    `error trying to reach service: dial tcp ${target.ip}:${target.port}: connect: connection refused`,
  );
}

/** `[scheme:]name[:port]` */
function parts(text: string): { scheme: string; object: string; port: string } {
  const words = decodeURIComponent(text).split(":");
  if (words.length === 3) return { scheme: words[0] as string, object: words[1] as string, port: words[2] as string };
  return { scheme: "http", object: words[0] as string, port: words[1] ?? "" };
}

interface Target {
  ip: string;
  port: number;
  /** Where the request starts: the API server stands on a node. */
  node: string;
}

function podTarget(cluster: Cluster, namespace: string, name: string, port: string): Target {
  const pod = podOf(cluster.reader, namespace, name);
  const [first] = pod.spec.containers;
  const number =
    port === "" ? (first?.ports?.[0]?.containerPort ?? 80) : portNumber(/^\d+$/.test(port) ? Number(port) : port, first as Container);
  if (!pod.status.podIP) throw badRequest(`address not allowed`);
  return { ip: pod.status.podIP, port: number, node: pod.spec.nodeName ?? "" };
}

/** One of the ready endpoints, not the cluster IP: so does the real server. */
function serviceTarget(cluster: Cluster, namespace: string, name: string, port: string): Target {
  const service = cluster.reader.get<Service>("services", namespace, name);
  if (!service) throw notFound({ group: "", resource: "services" }, name);
  const ports = service.spec.ports ?? [];
  const chosen =
    port === "" ? (ports.length === 1 ? ports[0] : undefined) : ports.find((each) => each.name === port || String(each.port) === port);
  if (!chosen)
    throw failure(503, "ServiceUnavailable", `no service port ${JSON.stringify(port)} found for service ${JSON.stringify(name)}`);
  const selector = Object.entries(service.spec.selector ?? {});
  const ready = cluster.reader
    .list<Pod>("pods", namespace)
    .filter(
      ({ metadata, status }) =>
        selector.length > 0 && selector.every(([key, value]) => metadata.labels?.[key] === value) && isReady(status),
    );
  const pod = ready[cluster.now() % Math.max(1, ready.length)];
  if (!pod?.status.podIP) throw failure(503, "ServiceUnavailable", `no endpoints available for service ${JSON.stringify(name)}`);
  const [first] = pod.spec.containers;
  return { ip: pod.status.podIP, port: portNumber(chosen.targetPort ?? chosen.port, first as Container), node: pod.spec.nodeName ?? "" };
}

const isReady = (status: Pod["status"]): boolean =>
  status.conditions?.some(({ type, status }) => type === "Ready" && status === "True") ?? false;
