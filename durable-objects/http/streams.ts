/**
 * The streams of the Kubernetes API: exec, attach, port-forward, logs and the proxy of pods and services. Here the
 * request is understood and refused in the server's words; each protocol has a file in `streams/`.
 */
import type { Context } from "hono";
import type { Container, Pod } from "../cluster/api/objects.ts";
import { badRequest, failure, StatusError } from "../cluster/api/status-error.ts";
import type { ApiResponse } from "../cluster/apiserver/api-server.ts";
import { commandPlace, runCommand } from "../cluster/kubelet/shell/command.ts";
import type { SandboxEnv } from "./sandbox.ts";
import { attachTo } from "./streams/attach.ts";
import { chooseContainer, podOf, refuseNotRunning, refuseUnreachable, statusOf } from "./streams/container-choice.ts";
import { logOptions, logResponse, refuseWithoutLog } from "./streams/logs.ts";
import { type ForwardTarget, portForwardProtocols, servePortForward, servePortForwardChannels } from "./streams/port-forward.ts";
import { proxyTo } from "./streams/proxy.ts";
import { type RemoteOptions, remoteCommandProtocols, serveRemoteCommand } from "./streams/remote-command.ts";
import { problemStatus } from "./streams/status-response.ts";

type StreamRequest = Extract<ApiResponse, { kind: "stream" }>;

/** Answers a stream that the API server has authorized. */
export async function handleStream(request: StreamRequest, c: Context<SandboxEnv>): Promise<Response> {
  try {
    return await streamResponse(request, c);
  } catch (error) {
    if (error instanceof StatusError) return problemStatus(error);
    throw error;
  }
}

function streamResponse(request: StreamRequest, c: Context<SandboxEnv>): Response | Promise<Response> {
  switch (request.stream) {
    case "exec":
    case "attach":
      return remoteCommand(request, c);
    case "portforward":
      return portForward(request, c);
    case "log":
      return log(request, c);
    case "proxy":
      return proxyTo(request, c);
    default:
      return request.stream satisfies never;
  }
}

function remoteCommand({ stream, namespace, name }: StreamRequest, c: Context<SandboxEnv>): Response {
  const sandbox = c.get("sandbox");
  const { cluster } = sandbox;
  const { searchParams: query } = new URL(c.req.url);
  const pod = podOf(cluster.reader, namespace, name);
  const container = chooseContainer(pod, query.get("container"));
  const options = remoteOptions(query);
  const argv = query.getAll("command");
  if (!options.stdin && !options.stdout && !options.stderr) throw badRequest("you must specify at least one of stdin, stdout, stderr");
  if (stream === "exec" && argv.length === 0) throw badRequest("you must specify at least 1 command for the container");
  refuseUnreachable(pod, cluster.kubelet.machines.nodeUp);
  refuseNotRunning(pod, container);
  const protocol = chosenProtocol(c, remoteCommandProtocols);
  const { socket, response } = sandbox.sockets.accept(c.req.raw, protocol);
  const session = serveRemoteCommand(socket, { ...options, protocol }, sandbox.delay, async (streams) => {
    if (stream === "attach") return attachTo(cluster.kubelet, pod, container, streams, () => cluster.tick());
    const result = await runCommand(commandPlace(cluster.kubelet, cluster.kubelet.place(pod, container)), argv, streams);
    return "failed" in result ? { error: cannotExec(result.failed, pod, container) } : result;
  });
  sandbox.background(session.catch((error) => endBroken(socket, error)));
  return response;
}

/** Our own mistake: the client sees the session end, the log says why. */
function endBroken(socket: { close(code?: number, reason?: string): void }, error: unknown): void {
  console.error(JSON.stringify({ event: "stream-broke", error: String(error), stack: error instanceof Error ? error.stack : undefined }));
  socket.close(1011, "the command could not be run");
}

const remoteOptions = (query: URLSearchParams): Omit<RemoteOptions, "protocol"> => {
  const flag = (name: string): boolean => query.get(name) === "true" || query.get(name) === "1";
  return { stdin: flag("stdin"), stdout: flag("stdout"), stderr: flag("stderr"), tty: flag("tty") };
};

const cannotExec = (runtime: string, pod: Pod, { name }: Container): string => {
  const id = statusOf(pod, name)?.containerID?.replace(/^containerd:\/\//, "") ?? "";
  return `error executing command in container: failed to exec in container: failed to start exec ${JSON.stringify(id)}: ${runtime}`;
};

function portForward({ namespace, name }: StreamRequest, c: Context<SandboxEnv>): Response {
  const sandbox = c.get("sandbox");
  const { cluster } = sandbox;
  const pod = podOf(cluster.reader, namespace, name);
  refuseUnreachable(pod, cluster.kubelet.machines.nodeUp);
  if (pod.status.phase !== "Running")
    throw badRequest(`unable to forward port because pod is not running. Current status=${pod.status.phase}`);
  const protocol = chosenProtocol(c, Object.values(portForwardProtocols));
  const ports = protocol === portForwardProtocols.channels ? wantedPorts(new URL(c.req.url).searchParams) : [];
  const { socket, response } = sandbox.sockets.accept(c.req.raw, protocol);
  const target: ForwardTarget = {
    sandboxID: pod.metadata.uid.replaceAll("-", ""),
    beforeRequest: () => cluster.tick(),
    listener: (port) => {
      const current = cluster.reader.get<Pod>("pods", namespace, name);
      if (current?.metadata.uid !== pod.metadata.uid) return undefined;
      return cluster.kubelet.machines.listeners({ namespace, name }).find((each) => each.protocol === "TCP" && each.port === port);
    },
  };
  if (protocol === portForwardProtocols.channels) servePortForwardChannels(socket, ports, target);
  else servePortForward(socket, target);
  return response;
}

/** `?ports=80&ports=443`. @throws StatusError 400 */
function wantedPorts(query: URLSearchParams): number[] {
  const texts = query.getAll("ports").flatMap((text) => text.split(","));
  if (texts.length === 0) throw badRequest('query parameter "port" is required');
  return texts.map((text) => {
    const port = /^\d+$/.test(text) ? Number(text) : 0;
    if (port < 1 || port > 65_535) throw badRequest(`unable to parse ${JSON.stringify(text)} as a port`);
    return port;
  });
}

function log({ namespace, name }: StreamRequest, c: Context<SandboxEnv>): Response {
  const sandbox = c.get("sandbox");
  const { cluster } = sandbox;
  const { searchParams: query } = new URL(c.req.url);
  const pod = podOf(cluster.reader, namespace, name);
  const container = chooseContainer(pod, query.get("container"));
  const options = logOptions(query, cluster.now());
  if (!pod.spec.nodeName) return new Response(null, { status: 204 });
  refuseUnreachable(pod, cluster.kubelet.machines.nodeUp);
  refuseWithoutLog(pod, container, options);
  return logResponse(sandbox, pod, container, options);
}

/** The subprotocol to speak. @throws StatusError where the client asks for none of ours */
function chosenProtocol(c: Context, ours: readonly string[]): string {
  const upgrade = c.req.header("upgrade") ?? "";
  if (/^spdy\//i.test(upgrade)) {
    throw badRequest(
      "this cluster speaks WebSocket here, not SPDY: use kubectl 1.30 or newer, without KUBECTL_REMOTE_COMMAND_WEBSOCKETS=false; port-forward needs 1.31, or KUBECTL_PORT_FORWARD_WEBSOCKETS=true with 1.30",
    );
  }
  if (upgrade.toLowerCase() !== "websocket") throw badRequest("Upgrade request required");
  const offered = (c.req.header("sec-websocket-protocol") ?? "").split(",").map((each) => each.trim());
  const chosen = ours.find((protocol) => offered.includes(protocol));
  if (chosen === undefined) {
    throw failure(
      403,
      "Forbidden",
      `unable to negotiate protocol: client supports [${offered.join(" ")}], server accepts [${ours.join(" ")}]`,
    );
  }
  return chosen;
}
