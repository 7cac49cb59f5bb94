/** The kubelets of a scenario: what they report of themselves and what they are told to report. */
import type { Node, Pod } from "../../durable-objects/cluster/api/objects.ts";
import { timeOf } from "../../durable-objects/cluster/api/time.ts";
import type { ScenarioCluster } from "./scenario-cluster.ts";

export type PodReport = "pending" | "running" | "ready" | "failed" | "succeeded" | "stopped" | "gone";

/** How pods behave unless told otherwise; see the README of the captures. */
export interface KubeletHabits {
  start: "ready" | "running" | "none";
  stop: "gone" | "hold";
}

export class PlayedKubelets {
  habits: KubeletHabits;
  readonly #cluster: ScenarioCluster;
  readonly #isBatched: boolean;
  readonly #hasBothFamilies: boolean;
  readonly #started = new Set<string>();
  readonly #addresses = new Map<string, string>();

  /** @param isBatched the endpoint controllers were told to wait: they never see the moment between a pod's end and its removal */
  constructor(cluster: ScenarioCluster, habits: KubeletHabits, isBatched: boolean, hasBothFamilies = false) {
    this.#hasBothFamilies = hasBothFamilies;
    this.#cluster = cluster;
    this.#isBatched = isBatched;
    this.habits = habits;
  }

  /** Does what kubelets do by themselves, until there is nothing to do. */
  run(): void {
    for (let rounds = 0; rounds < 5000; rounds += 1) if (!this.#step()) return;
    throw new Error("the played kubelets do not come to rest");
  }

  /** All kubelets at once. */
  #step(): boolean {
    let acted = false;
    this.#cluster.together(() => {
      acted = this.#actEach();
    });
    return acted;
  }

  #actEach(): boolean {
    let acted = false;
    for (const pod of this.#cluster.reader.list<Pod>("pods")) {
      const { uid, deletionTimestamp, annotations = {} } = pod.metadata;
      const isHere = pod.spec.nodeName !== undefined && this.#cluster.reader.get<Node>("nodes", undefined, pod.spec.nodeName) !== undefined;
      if (!isHere || this.#cluster.isSilent(pod.spec.nodeName ?? "")) continue;
      if (deletionTimestamp !== undefined) {
        if (this.habits.stop !== "gone" || pod.metadata.deletionGracePeriodSeconds === 0) continue;
        this.report(pod, isFinal(pod) || this.#isBatched ? "gone" : "stopped");
        acted = true;
      } else if (!this.#started.has(uid)) {
        this.#started.add(uid);
        const start = (annotations["kubelet/start"] ?? this.habits.start) as KubeletHabits["start"];
        if (start === "none") continue;
        this.report(pod, start);
        acted = true;
      }
    }
    return acted;
  }

  /** A kubelet that was silent reports the pods again that it still has. */
  resume(node: string): void {
    for (const pod of this.#cluster.reader.list<Pod>("pods")) {
      if (pod.spec.nodeName === node && pod.metadata.deletionTimestamp === undefined && !isFinal(pod)) this.report(pod, "ready");
    }
  }

  report(pod: Pod, is: PodReport, restarts?: number): void {
    const { namespace, name } = pod.metadata;
    const path = `/api/v1/namespaces/${namespace}/pods/${name}`;
    if (is === "gone") {
      this.#cluster.request("DELETE", path, { kind: "DeleteOptions", apiVersion: "v1", gracePeriodSeconds: 0 });
      return;
    }
    const current = this.#cluster.reader.get<Pod>("pods", namespace, name);
    if (!current || (is === "stopped" && isFinal(current))) return;
    this.#started.add(current.metadata.uid);
    const answer = this.#cluster.request("PUT", `${path}/status`, { ...current, status: this.#status(current, is, restarts) });
    if (answer.code !== 200) throw new Error(`kubelet of ${name}: ${JSON.stringify(answer.body)}`);
  }

  #status(pod: Pod, is: PodReport, restarts: number | undefined): object {
    const at = timeOf(this.#cluster.now());
    const ready = is === "ready";
    const isOver = is === "failed" || is === "succeeded" || is === "stopped";
    const condition = (type: string, isTrue: boolean) => {
      const status = isTrue ? "True" : "False";
      return {
        type,
        status,
        lastProbeTime: null,
        lastTransitionTime: at,
        ...(isOver && !isTrue ? { reason: "PodCompleted" } : {}),
      };
    };
    const own = ["Ready", "ContainersReady", "Initialized"];
    const others = (pod.status.conditions ?? []).filter(({ type }) => !own.includes(type));
    const conditions = [...others, condition("Initialized", true), condition("Ready", ready), condition("ContainersReady", ready)];
    if (is === "pending") return { ...pod.status, phase: "Pending", conditions };
    const phase = is === "failed" ? "Failed" : is === "succeeded" || is === "stopped" ? "Succeeded" : "Running";
    const address = this.#addressOf(pod);
    return {
      ...pod.status,
      phase,
      conditions,
      ...address,
      startTime: pod.status.startTime ?? at,
      containerStatuses: pod.spec.containers.map(({ name, image = "" }, index) => ({
        name,
        image,
        imageID: image,
        ready,
        restartCount: restarts ?? pod.status.containerStatuses?.[index]?.restartCount ?? 0,
        state: phase === "Running" ? { running: { startedAt: at } } : { terminated: { exitCode: phase === "Failed" ? 1 : 0 } },
      })),
    };
  }

  #addressOf(pod: Pod): object {
    const node = this.#cluster.reader.get<Node>("nodes", undefined, pod.spec.nodeName ?? "");
    const hostIP = node?.status.addresses?.find(({ type }) => type === "InternalIP")?.address ?? "";
    if (pod.spec.hostNetwork) return { hostIP, podIP: hostIP, podIPs: [{ ip: hostIP }] };
    const { uid } = pod.metadata;
    const number = this.#addresses.size + 2;
    const ip = this.#addresses.get(uid) ?? `10.244.${Math.floor(number / 250)}.${(number % 250) + 1}`;
    this.#addresses.set(uid, ip);
    const second = this.#hasBothFamilies ? [{ ip: `fd00:244::${ip.split(".").slice(2).join(":")}` }] : [];
    return { hostIP, podIP: ip, podIPs: [{ ip }, ...second] };
  }
}

const isFinal = ({ status }: Pod): boolean => status.phase === "Succeeded" || status.phase === "Failed";
