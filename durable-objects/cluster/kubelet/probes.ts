/**
 * Probes: what they find in the emulated app now, and what follows from the times at which they are tried. Nothing ticks:
 * an answer stands until something changes it, and the tries in between are computed.
 *
 * @see https://kubernetes.io/docs/concepts/workloads/pods/pod-lifecycle/#container-probes
 */
import type { ProbeName } from "../api/faults.ts";
import type { Listener } from "../api/network.ts";
import type { Container, ContainerStatus, Pod } from "../api/objects.ts";
import { msOf } from "../api/time.ts";
import type { ProbeAnswer } from "./probe-history.ts";
import type { Process } from "./process.ts";

type Probe = NonNullable<Container["readinessProbe"]>;

export interface ProbeFacts {
  pod: Pod;
  container: Container;
  status: ContainerStatus;
  listeners: readonly Listener[];
  /** What a command in the container would do. */
  run(argv: readonly string[]): Process;
  /** Probes that a fault makes fail. */
  failingProbes?: readonly ProbeName[];
  /** Takes note of what a probe finds, and tells since when it finds that. */
  look(probe: ProbeName, isFailing: boolean, startedAt: number): ProbeAnswer;
  now: number;
}

/** `undefined`: it passes. */
export type ProbeFailure = string | undefined;

export interface Health {
  started: boolean;
  ready: boolean;
  /** Of the readiness probe, where it has been tried and failed. */
  failure: ProbeFailure;
  killedAt: { at: number; message: string } | undefined;
  wakeAt: number | undefined;
}

const secondMs = 1000;

export function healthOf(facts: ProbeFacts): Health {
  const { container, status, now } = facts;
  const runningSince = msOf(status.state?.running?.startedAt);
  if (runningSince === undefined) return { started: false, ready: false, failure: undefined, killedAt: undefined, wakeAt: undefined };
  const startup = startupOf(container.startupProbe, runningSince, facts);
  if (startup.failure !== undefined || startup.settlesAt > now) {
    const killedAt =
      startup.failure === undefined ? undefined : { at: startup.settlesAt, message: `Startup probe failed: ${startup.failure}` };
    return { started: false, ready: false, failure: undefined, killedAt, wakeAt: startup.settlesAt };
  }
  const readiness = outcome("readiness", container.readinessProbe, startup.settlesAt, facts);
  const liveness = outcome("liveness", container.livenessProbe, startup.settlesAt, facts);
  const killedAt =
    liveness.failure === undefined ? undefined : { at: liveness.settlesAt, message: `Liveness probe failed: ${liveness.failure}` };
  const isFailing = readiness.failure !== undefined;
  const wakeAt = [killedAt?.at, readiness.settlesAt, isFailing ? readiness.tryAt : undefined].filter((at) => at !== undefined && at > now);
  return {
    started: true,
    ready: readiness.settlesAt <= now ? !isFailing : status.ready,
    failure: readiness.tryAt <= now ? readiness.failure : undefined,
    killedAt,
    wakeAt: wakeAt.length > 0 ? Math.min(...(wakeAt as number[])) : undefined,
  };
}

interface Outcome {
  failure: ProbeFailure;
  /** The first try with this answer. */
  tryAt: number;
  /** When enough tries in a row have had this answer, if they have. */
  settlesAt: number;
}

/** Once passed, it is not tried again in this run. */
function startupOf(probe: Probe | undefined, runningSince: number, facts: ProbeFacts): Outcome {
  const found = outcome("startup", probe, runningSince, facts);
  const isPast = probe !== undefined && facts.status.started === true;
  return isPast && (found.failure !== undefined || found.settlesAt > facts.now)
    ? { failure: undefined, tryAt: runningSince, settlesAt: runningSince }
    : found;
}

function outcome(name: ProbeName, probe: Probe | undefined, base: number, facts: ProbeFacts): Outcome {
  if (!probe) return { failure: undefined, tryAt: base, settlesAt: base };
  const periodMs = (probe.periodSeconds ?? 10) * secondMs;
  const firstTryAt = base + (probe.initialDelaySeconds ?? 0) * secondMs;
  const failure = facts.failingProbes?.includes(name) ? madeToFail(probe, facts) : tryProbe(probe, facts);
  const { since } = facts.look(name, failure !== undefined, base);
  const tryAt = firstTryAt + Math.ceil(Math.max(0, since - firstTryAt) / periodMs) * periodMs;
  const tries = failure === undefined ? (probe.successThreshold ?? 1) : (probe.failureThreshold ?? 3);
  return { failure, tryAt, settlesAt: tryAt + (tries - 1) * periodMs };
}

/** In the words of a probe that the app answers badly. */
function madeToFail(probe: Probe, { pod, container }: ProbeFacts): string {
  if (probe.httpGet) return "HTTP probe failed with statuscode: 500";
  if (probe.grpc) return 'service unhealthy (responded with "NOT_SERVING")';
  return probe.exec ? "" : `dial tcp ${pod.status.podIP}:${portNumber(probe.tcpSocket?.port ?? 0, container)}: connect: connection refused`;
}

function tryProbe(probe: Probe, facts: ProbeFacts): ProbeFailure {
  if (probe.exec) {
    const process = facts.run(probe.exec.command ?? []);
    if (process.does === "not-found") return `exec: ${JSON.stringify(process.program)}: executable file not found in $PATH`;
    return process.does === "exit" && process.code !== 0 ? (process.lines ?? []).join("\n") : undefined;
  }
  if (probe.httpGet) return tryHttp(probe.httpGet, facts);
  const port = portNumber(probe.tcpSocket?.port ?? probe.grpc?.port ?? 0, facts.container);
  return listenerOn(port, facts) ? undefined : `dial tcp ${facts.pod.status.podIP}:${port}: connect: connection refused`;
}

function tryHttp({ path, port, httpHeaders, scheme }: NonNullable<Probe["httpGet"]>, facts: ProbeFacts): ProbeFailure {
  const number = portNumber(port, facts.container);
  const target = path?.startsWith("/") ? path : `/${path ?? ""}`;
  const ip = facts.pod.status.podIP ?? "";
  const listener = listenerOn(number, facts);
  const url = `${(scheme ?? "HTTP").toLowerCase()}://${ip}:${number}${target}`;
  if (!listener) return `Get ${JSON.stringify(url)}: dial tcp ${ip}:${number}: connect: connection refused`;
  if (!listener.http) return `Get ${JSON.stringify(url)}: EOF`;
  const own = (httpHeaders ?? []).map(({ name, value }) => [name, value] as const);
  const host = own.some(([name]) => name.toLowerCase() === "host") ? [] : [["Host", `${ip}:${number}`] as const];
  const headers = [
    ...host,
    ["User-Agent", "kube-probe/1.36"] as const,
    ["Accept", "*/*"] as const,
    ["Connection", "close"] as const,
    ...own,
  ];
  const { status } = listener.http(
    { method: "GET", path: target, headers, body: new Uint8Array() },
    { ip: facts.pod.status.hostIP ?? "", port: 40000 },
  );
  return status >= 200 && status < 400 ? undefined : `HTTP probe failed with statuscode: ${status}`;
}

const listenerOn = (port: number, { listeners }: ProbeFacts): Listener | undefined =>
  listeners.find((listener) => listener.protocol === "TCP" && listener.port === port);

/** Named ports are those of the container. */
export const portNumber = (port: number | string, container: Container): number => {
  if (typeof port === "number") return port;
  return (container.ports ?? []).find(({ name }) => name === port)?.containerPort ?? Number(port);
};
