/**
 * The kubelets of all nodes as a controller: pods that are bound get an address, start, run, end and go.
 *
 * What a pod's status should be is `pod-life.ts`; here it is decided when to look, and written. No timer is state: what
 * is due follows from stored times, which have whole seconds. The exact moment at which a pod was first seen, or seen to
 * go, is remembered only to keep the order of milliseconds, and after a wake the stored second stands for it.
 */
import type { Change } from "../api/change-tracker.ts";
import type { Controller, ControllerContext, Reader } from "../api/controller.ts";
import { type Container, type KubeObject, keyOf, type Node, type Pod } from "../api/objects.ts";
import { podResolvConf } from "../api/resolv-conf.ts";
import { same } from "../api/same.ts";
import { msOf } from "../api/time.ts";
import { Addresses } from "./addresses.ts";
import { missingVolume } from "./container-files.ts";
import type { ContainerEvent } from "./container-state.ts";
import { parseImageReference } from "./image-reference.ts";
import { imageOf } from "./images/catalog.ts";
import { coredns } from "./images/cluster-images.ts";
import { type ContainerView, nextPodStep, stoppedStatus } from "./pod-life.ts";

/** What the worker asks of the machine that the containers run on. */
export interface Runtime {
  /** False while the node is down: its kubelet does nothing. */
  nodeUp(node: string): boolean;
  view(pod: Pod, container: Container): ContainerView;
  /** The pod is gone, with everything that lived in it. */
  forget(pod: Pod): void;
}

/** A process has this long to end after its signal, where the pod's own grace period is not shorter. */
const stopMs = 500;

export class PodWorker implements Controller {
  readonly name = "kubelet";
  readonly watches: Controller["watches"] = {
    pods: (change) => this.#keysOfPod(change as Change<Pod>),
    nodes: (change, read) => podsOfNode(change as Change<Node>, read),
    configmaps: (change, read) => [...waitingPods(change, read), ...rereadingPods(change, read)],
    secrets: (change, read) => waitingPods(change, read),
  };

  readonly #runtime: Runtime;
  readonly #addresses = new Addresses();
  /** uid -> when its kubelet first saw the pod, and when it first saw that the pod is to go. */
  readonly #seen = new Map<string, { startedAt?: number; stoppingAt?: number }>();

  constructor(runtime: Runtime) {
    this.#runtime = runtime;
  }

  /**
   * Takes up a pod that was there before the kubelet woke, with what it already did for it.
   *
   * @param writtenAt cluster time in ms at which the stored version was written; it has the milliseconds that the times
   *   in the object lack
   */
  remember(pod: Pod, writtenAt: number): void {
    const seen = this.#seenOf(pod);
    const startedAt = msOf(pod.status.startTime);
    if (startedAt !== undefined) seen.startedAt = exactly(startedAt, writtenAt);
    const deletedAt = msOf(pod.metadata.deletionTimestamp);
    if (deletedAt !== undefined) seen.stoppingAt = exactly(deletedAt - (pod.metadata.deletionGracePeriodSeconds ?? 0) * 1000, writtenAt);
  }

  /** Takes note of an address that a pod had, of which the newest of a range come last. */
  rememberAddress(ip: string): void {
    this.#addresses.remember(ip);
  }

  reconcile(key: string, context: ControllerContext): void {
    const slash = key.indexOf("/");
    const pod = context.get<Pod>("pods", key.slice(0, slash), key.slice(slash + 1));
    const node = pod?.spec.nodeName === undefined ? undefined : context.get<Node>("nodes", undefined, pod.spec.nodeName);
    if (!pod || !node || !this.#runtime.nodeUp(node.metadata.name)) return;
    if (pod.metadata.deletionTimestamp !== undefined) this.#stop(key, pod, context);
    else if (pod.status.phase !== "Succeeded" && pod.status.phase !== "Failed") this.#run(key, pod, node, context);
  }

  #run(key: string, pod: Pod, node: Node, context: ControllerContext): void {
    const ranges = podRanges(node);
    if (ranges.length === 0 && !pod.spec.hostNetwork) return;
    const now = context.now();
    const seen = this.#seenOf(pod);
    seen.startedAt ??= msOf(pod.status.startTime) ?? now;
    const hostIPs = hostAddresses(node);
    const step = nextPodStep(pod, {
      now,
      startAt: seen.startedAt + context.options.startDelayMs,
      hostIPs,
      podIPs: () => (pod.spec.hostNetwork ? hostIPs : this.#addresses.reserve(pod.metadata.uid, ranges, addressesInUse(context))),
      missingVolume: missingVolume(pod, context),
      view: (container) => this.#runtime.view(pod, container),
    });
    if (!same(step.status, pod.status)) {
      context.updateStatus<Pod>("pods", { ...pod, status: step.status });
      if (step.status.podIP !== undefined) this.#addresses.release(pod.metadata.uid);
    }
    this.#tell(pod, pod.status.startTime === undefined ? [...dnsWarnings(pod, context), ...step.events] : step.events, context);
    if (step.wakeAt !== undefined) context.requeueAt(key, step.wakeAt);
  }

  #stop(key: string, pod: Pod, context: ControllerContext): void {
    const now = context.now();
    const graceMs = (pod.metadata.deletionGracePeriodSeconds ?? 0) * 1000;
    const askedAt = (msOf(pod.metadata.deletionTimestamp) ?? now) - graceMs;
    const seen = this.#seenOf(pod);
    const running = pod.spec.containers.filter(({ name }) => isRunning(pod, name));
    if (seen.stoppingAt === undefined) {
      const isNews = now < askedAt + 1000;
      seen.stoppingAt = isNews ? now : askedAt;
      if (isNews) this.#tell(pod, running.map(killing), context);
    }
    const dueAt = seen.stoppingAt + (running.length === 0 || context.options.startDelayMs === 0 ? 0 : Math.min(graceMs, stopMs));
    const hookMs = Math.max(0, ...running.map((container) => this.#preStopMs(pod, container)));
    const goneAt = Math.min(dueAt + hookMs, Math.max(dueAt, seen.stoppingAt + graceMs));
    if (goneAt > now) {
      context.requeueAt(key, goneAt);
      return;
    }
    if (running.length > 0) {
      const exitCode = (container: Container): number => (this.#runtime.view(pod, container).listeners.length > 0 ? 0 : 137);
      context.updateStatus<Pod>("pods", { ...pod, status: stoppedStatus(pod, now, exitCode) });
    }
    context.delete("pods", pod.metadata.namespace, pod.metadata.name, { gracePeriodSeconds: 0, uid: pod.metadata.uid });
  }

  #preStopMs(pod: Pod, container: Container): number {
    const hook = container.lifecycle?.preStop;
    if (hook?.sleep) return hook.sleep.seconds * 1000;
    const process = hook?.exec?.command && this.#runtime.view(pod, container).run(hook.exec.command);
    if (!process) return 0;
    return process.does === "exit" ? process.afterMs : process.does === "run" ? Number.POSITIVE_INFINITY : 0;
  }

  #tell(pod: Pod, events: readonly ContainerEvent[], context: ControllerContext): void {
    for (const { type, reason, message, fieldPath } of events) {
      const about = {
        apiVersion: pod.apiVersion,
        kind: pod.kind,
        metadata: pod.metadata,
        ...(fieldPath === undefined ? {} : { fieldPath }),
      };
      context.event(about, type, reason, message, this.name, pod.spec.nodeName);
    }
  }

  #seenOf({ metadata: { uid } }: Pod): { startedAt?: number; stoppingAt?: number } {
    const seen = this.#seen.get(uid) ?? {};
    this.#seen.set(uid, seen);
    return seen;
  }

  *#keysOfPod({ before, after }: Change<Pod>): Iterable<string> {
    if (before && before.metadata.uid !== after?.metadata.uid) {
      this.#seen.delete(before.metadata.uid);
      this.#addresses.release(before.metadata.uid);
      this.#runtime.forget(before);
    }
    if (after && (!before || mattersToKubelet(before, after))) yield keyOf(after);
  }
}

/** A stored time has whole seconds; where the version was written within that second, it was written at that moment. */
const exactly = (storedMs: number, writtenAt: number): number => (Math.floor(writtenAt / 1000) * 1000 === storedMs ? writtenAt : storedMs);

/** What had to be cut off the pod's resolv.conf. */
const dnsWarnings = ({ metadata, spec }: Pod, { options }: ControllerContext): ContainerEvent[] =>
  podResolvConf(metadata.namespace, spec, options).warnings.map((message) => ({ type: "Warning", reason: "DNSConfigForming", message }));

const killing = ({ name }: Container): ContainerEvent => ({
  type: "Normal",
  reason: "Killing",
  message: `Stopping container ${name}`,
  fieldPath: `spec.containers{${name}}`,
});

const isRunning = (pod: Pod, container: string): boolean =>
  pod.status.containerStatuses?.some(({ name, state }) => name === container && state?.running !== undefined) ?? false;

/** A kubelet does not look at statuses that it posted itself, readiness gates excepted. */
const mattersToKubelet = (before: Pod, after: Pod): boolean =>
  before.metadata.deletionTimestamp !== after.metadata.deletionTimestamp ||
  (after.spec.readinessGates?.length ?? 0) > 0 ||
  !same(before.spec, after.spec);

const podRanges = ({ spec }: Node): readonly string[] => spec.podCIDRs ?? (spec.podCIDR === undefined ? [] : [spec.podCIDR]);

const hostAddresses = ({ status }: Node): string[] =>
  (status.addresses ?? []).filter(({ type }) => type === "InternalIP").map(({ address }) => address);

function addressesInUse(read: Reader): ReadonlySet<string> {
  const inUse = new Set<string>();
  for (const { spec, status } of read.list<Pod>("pods")) {
    if (spec.hostNetwork) continue;
    for (const { ip } of status.podIPs ?? []) if (ip !== undefined) inUse.add(ip);
  }
  return inUse;
}

/** A node that comes, comes back or gets its range wakes its pods; one that only reports its health does not. */
function* podsOfNode({ before, after }: Change<Node>, read: Reader): Iterable<string> {
  if (!after || (before && same(before.spec, after.spec) && same(readiness(before), readiness(after)))) return;
  for (const pod of read.list<Pod>("pods")) if (pod.spec.nodeName === after.metadata.name) yield keyOf(pod);
}

const readiness = ({ status }: Node): string | undefined => status.conditions?.find(({ type }) => type === "Ready")?.status;

/** CoreDNS alone looks at its ConfigMap again while it runs. */
function* rereadingPods({ after }: Change<KubeObject>, read: Reader): Iterable<string> {
  if (!after) return;
  for (const pod of read.list<Pod>("pods", after.metadata.namespace)) {
    const mounts = pod.spec.volumes?.some(({ configMap }) => configMap?.name === after.metadata.name);
    if (mounts && pod.spec.containers.some(({ image = "" }) => imageOf(parseImageReference(image)) === coredns)) yield keyOf(pod);
  }
}

/** Pods that may be waiting for the ConfigMap or Secret. */
function* waitingPods({ after }: Change<KubeObject>, read: Reader): Iterable<string> {
  if (!after) return;
  for (const pod of read.list<Pod>("pods", after.metadata.namespace)) {
    if (pod.spec.nodeName !== undefined && pod.status.phase === "Pending") yield keyOf(pod);
  }
}
