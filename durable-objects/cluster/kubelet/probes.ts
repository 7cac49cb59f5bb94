/**
 * Probes as functions of stored times: whether a container counts as started and ready now, and when liveness gives it
 * up. What an emulated app answers does not change by itself, so the result of one try stands for all of them.
 */
import type { Listener } from "../api/network.ts";
import type { Container, ContainerStatus, Pod } from "../api/objects.ts";
import { msOf } from "../api/time.ts";
import type { Process } from "./process.ts";

type Probe = NonNullable<Container["readinessProbe"]>;

export interface ProbeFacts {
  pod: Pod;
  container: Container;
  status: ContainerStatus;
  listeners: readonly Listener[];
  /** What a command in the container would do. */
  run(argv: readonly string[]): Process;
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
  const startup = outcome(container.startupProbe, runningSince, facts);
  if (startup.failure !== undefined || startup.passesAt > now) {
    const killedAt =
      startup.failure === undefined ? undefined : { at: startup.givenUpAt, message: `Startup probe failed: ${startup.failure}` };
    return { started: false, ready: false, failure: undefined, killedAt, wakeAt: killedAt?.at ?? startup.passesAt };
  }
  const readiness = outcome(container.readinessProbe, startup.passesAt, facts);
  const liveness = outcome(container.livenessProbe, startup.passesAt, facts);
  const killedAt =
    liveness.failure === undefined ? undefined : { at: liveness.givenUpAt, message: `Liveness probe failed: ${liveness.failure}` };
  const isReady = readiness.failure === undefined && readiness.passesAt <= now;
  const wakeAt = [killedAt?.at, readiness.passesAt].filter((at): at is number => at !== undefined && at > now);
  return {
    started: true,
    ready: isReady,
    failure: readiness.firstTryAt <= now ? readiness.failure : undefined,
    killedAt,
    wakeAt: wakeAt.length > 0 ? Math.min(...wakeAt) : undefined,
  };
}

interface Outcome {
  failure: ProbeFailure;
  firstTryAt: number;
  /** When enough tries in a row have succeeded, if they do. */
  passesAt: number;
  /** When enough tries in a row have failed, if they do. */
  givenUpAt: number;
}

function outcome(probe: Probe | undefined, since: number, facts: ProbeFacts): Outcome {
  if (!probe) return { failure: undefined, firstTryAt: since, passesAt: since, givenUpAt: since };
  const firstTryAt = since + (probe.initialDelaySeconds ?? 0) * secondMs;
  const periodMs = (probe.periodSeconds ?? 10) * secondMs;
  return {
    failure: tryProbe(probe, facts),
    firstTryAt,
    passesAt: firstTryAt + ((probe.successThreshold ?? 1) - 1) * periodMs,
    givenUpAt: firstTryAt + ((probe.failureThreshold ?? 3) - 1) * periodMs,
  };
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
