/**
 * What runs in the pods of a cluster: the processes behind their addresses, their logs and files, and the commands that
 * exec runs in them.
 *
 * Stored pods say what runs; nothing here decides that (`pod-worker.ts` does). Logs, written files and counters are
 * lived: bounded, and gone with the container.
 */
import type { Reader } from "../api/controller.ts";
import type { ContainerFault, FaultPort } from "../api/faults.ts";
import { hostnameOf } from "../api/hosts-file.ts";
import type { Listener, Machines, Network } from "../api/network.ts";
import type { Container, Node, Pod } from "../api/objects.ts";
import type { Random } from "../api/ports.ts";
import { same } from "../api/same.ts";
import type { SandboxOptions } from "../api/sandbox-options.ts";
import { msOf } from "../api/time.ts";
import { containerFiles } from "./container-files.ts";
import { ContainerLogs, type LogLine, ownLines } from "./container-logs.ts";
import { argvOf, processOf, startIn } from "./container-process.ts";
import { CountedRandom } from "./counted-random.ts";
import { type Environment, environmentOf, hasReferences, lazyEnvironment, MissingReference } from "./environment.ts";
import { parseImageReference } from "./image-reference.ts";
import { imageOf } from "./images/catalog.ts";
import { coredns, corefileRefusal } from "./images/cluster-images.ts";
import type { Image } from "./images/image.ts";
import { type LivedKubelet, savedFile, writtenFile } from "./lived-kubelet.ts";
import type { ContainerView } from "./pod-life.ts";
import { PodWorker } from "./pod-worker.ts";
import { ProbeHistory } from "./probe-history.ts";
import type { Process, ReadFile, RunningContainer, RunTool } from "./process.ts";
import { commandPlace, ranTool, toolOf } from "./shell/command.ts";
import { WrittenFiles } from "./written-files.ts";

/** How long a tool takes as a container's own command: long enough that its start can be seen. */
const ownToolMs = 1000;

export interface KubeletParts {
  reader: Reader;
  options: SandboxOptions;
  /** Cluster time in milliseconds. */
  now(): number;
  random: Random;
  /** What CoreDNS logs before it gives up on a Corefile; `undefined`: it starts. */
  corefileProblem?(text: string): string | undefined;
  /** What is made to go wrong. Default: nothing. */
  faults?: FaultPort;
}

/** A container as the kubelet's parts look at it. */
export interface ContainerPlace {
  pod: Pod;
  container: Container;
  image: Image;
  env: Environment;
  /** What the environment refers to and is not there; then the container cannot be made. */
  missing: string | undefined;
  readFile: ReadFile;
  /** Names the run of the container: another one after each restart. */
  id: string;
}

export class Kubelet {
  readonly machines: Machines;
  /** The controller that gives bound pods their life; runs among the others. */
  readonly podWorker: PodWorker;
  readonly containerLogs = new ContainerLogs();
  readonly writtenFiles = new WrittenFiles();
  readonly probeHistory = new ProbeHistory();

  readonly #parts: KubeletParts;
  readonly #random: CountedRandom;
  /** How the last runs of containers ended, with what they wrote. Goes with the pod. */
  readonly #ended = new Map<string, Process>();
  #endings = 0;
  #listeners = new WeakMap<Pod, readonly Listener[]>();
  #network: Network | undefined;

  constructor(parts: KubeletParts) {
    this.#parts = parts;
    this.#random = new CountedRandom(parts.options.seed);
    const nodeUp = (node: string): boolean =>
      parts.faults?.nodeDownSince(node) === undefined && parts.reader.get<Node>("nodes", undefined, node) !== undefined;
    this.machines = {
      nodeUp,
      listeners: ({ namespace, name }) => {
        const pod = parts.reader.get<Pod>("pods", namespace, name);
        return pod ? this.#listenersOf(pod) : [];
      },
    };
    this.podWorker = new PodWorker({
      nodeUp,
      view: (pod, container) => this.#view(pod, container),
      forget: (pod) => this.#forget(pod),
    });
  }

  /** Hands in the network that apps, tools and probes use. */
  connect(network: Network): void {
    this.#network = network;
  }

  get network(): Network {
    if (!this.#network) throw new Error("kubelet: no network was connected");
    return this.#network;
  }

  get reader(): Reader {
    return this.#parts.reader;
  }

  get options(): SandboxOptions {
    return this.#parts.options;
  }

  now(): number {
    return this.#parts.now();
  }

  /** Faults have come or gone: what listens is to be found anew. */
  forgetListeners(): void {
    this.#listeners = new WeakMap();
  }

  /** Rises with every change of what `lived` gives. */
  get livedChanges(): number {
    const { containerLogs, writtenFiles, probeHistory } = this;
    return this.#random.changes + containerLogs.changes + writtenFiles.changes + probeHistory.changes + this.#endings;
  }

  /** What is not in any object, to be saved before a sleep. */
  lived(): LivedKubelet {
    return {
      draws: this.#random.counts(),
      logs: this.containerLogs.entries(),
      files: this.writtenFiles.entries().map(([container, files]) => [container, files.map(([path, file]) => savedFile(path, file))]),
      ended: [...this.#ended],
      probes: this.probeHistory.entries(),
    };
  }

  /** Takes up what was saved. */
  restore({ draws, logs, files, ended, probes }: LivedKubelet): void {
    this.#random.restore(draws);
    this.containerLogs.restore(logs);
    for (const [container, saved] of files) for (const file of saved) this.writtenFiles.put(container, file.path, writtenFile(file));
    for (const [container, process] of ended) this.#ended.set(container, process);
    this.probeHistory.restore(probes);
  }

  /** Chance that goes on from draw to draw, for a program of that name. */
  randomOf(name: string): Random {
    return this.#random.of(name);
  }

  /** A container of a pod with its environment and files. */
  place(pod: Pod, container: Container): ContainerPlace {
    const { reader, options } = this.#parts;
    const image = imageOf(parseImageReference(container.image ?? ""));
    const found = (): Environment | MissingReference =>
      environmentOf(pod, container, { ...imageEnvironment(image), HOSTNAME: hostnameOf(pod) }, reader);
    const refused = hasReferences(container) ? found() : undefined;
    const missing = refused instanceof MissingReference ? refused.missing : undefined;
    const env = lazyEnvironment(() => {
      const made = found();
      return made instanceof MissingReference ? {} : made;
    });
    const id = runId(pod, container.name);
    const readFile: ReadFile = (path) => {
      const written = this.writtenFiles.layer(id).get(path);
      if (written) return written.content;
      const text = containerFiles({ pod, container, image, reader, options })[path];
      return text === undefined ? undefined : new TextEncoder().encode(text);
    };
    return { pod, container, image, env, missing, readFile, id };
  }

  /** What the container's first process does. */
  processIn(place: ContainerPlace): Process {
    const refusal = place.image === coredns ? corefileRefusal(place.readFile, this.#parts.corefileProblem) : undefined;
    return refusal ?? processOf(place.container, place.env, place.readFile, this.#toolRunner(place));
  }

  /**
   * A tool as a container's own command: it has its address only once the container runs, and takes its time, so that
   * before that nothing is known but that it will end.
   */
  #toolRunner(place: ContainerPlace, isForProbe = false): RunTool {
    const { pod, container } = place;
    const isRunning = isForProbe || containerStatus(pod, container.name)?.state?.running !== undefined;
    return (argv) => {
      const where = commandPlace(this, place);
      const tool = toolOf(where, argv[0] ?? "");
      if (!tool) return undefined;
      return isRunning ? ranTool(where, tool, argv, ownToolMs) : { does: "exit", afterMs: ownToolMs, code: 0 };
    };
  }

  /**
   * The lines of a container's log in order of time.
   *
   * @param previous of the run before this one; empty where there was none
   */
  logOf(pod: Pod, container: Container, previous: boolean): readonly LogLine[] {
    const current = this.#parts.reader.get<Pod>("pods", pod.metadata.namespace, pod.metadata.name);
    const latest = current?.metadata.uid === pod.metadata.uid ? current : pod;
    const status = containerStatus(latest, container.name);
    const isBetween = status?.state?.running === undefined && status?.state?.terminated === undefined;
    const run = previous || isBetween ? status?.lastState?.terminated : (status?.state?.running ?? status?.state?.terminated);
    const startedAt = msOf(run?.startedAt);
    if (startedAt === undefined) return [];
    const until = msOf((run as { finishedAt?: string }).finishedAt) ?? this.now();
    const isOver = run !== status?.state?.running;
    const process = (isOver ? this.#ended.get(runId(latest, container.name)) : undefined) ?? this.processIn(this.place(latest, container));
    const own = ownLines(process, startedAt, until);
    const kept = this.containerLogs.kept(runId(latest, container.name, previous && !isBetween ? 1 : 0));
    return kept.length === 0 ? own : [...own, ...kept].sort((a, b) => a.atMs - b.atMs);
  }

  #view(pod: Pod, container: Container): ContainerView {
    const place = this.place(pod, container);
    const fault = this.#parts.faults?.ofContainer(pod, container);
    const own = this.processIn(place);
    const process = fault?.ends === undefined ? own : endedByFault(fault.ends, own);
    const startedAt = msOf(containerStatus(pod, container.name)?.state?.running?.startedAt);
    // What a tool found when it ran is kept: asked later, the network might say something else.
    if (process.does === "exit" && startedAt !== undefined && !same(this.#ended.get(place.id), process)) {
      this.#ended.set(place.id, process);
      this.#endings += 1;
    }
    const probe = (name: string, restarts: number): string => `${pod.metadata.uid}/${container.name}/${restarts}/${name}`;
    return {
      process,
      imageBytes: place.image.sizeBytes,
      missing: place.missing,
      listeners: this.#listensYet(fault, startedAt) ? this.#listenersIn(place) : [],
      run: (argv) => startIn(container, argv, place.env, place.readFile, this.#toolRunner(place, true)),
      ...(fault?.listensAfterMs === undefined ? {} : { listensFrom: (startedAt ?? this.now()) + fault.listensAfterMs }),
      ...(fault?.imageMissing ? { imageMissing: true } : {}),
      ...(fault?.failingProbes ? { failingProbes: fault.failingProbes } : {}),
      look: (name, restarts, isFailing, since) => this.probeHistory.look(probe(name, restarts), isFailing, since, this.now()),
      tell: (name, restarts) => this.probeHistory.tell(probe(name, restarts)),
    };
  }

  #listensYet(fault: ContainerFault | undefined, startedAt: number | undefined): boolean {
    return fault?.listensAfterMs === undefined || (startedAt !== undefined && startedAt + fault.listensAfterMs <= this.now());
  }

  #running(place: ContainerPlace): RunningContainer {
    const { pod, container, image, env, readFile, id } = place;
    const kubelet = this;
    return {
      pod,
      container,
      argv: argvOf(container, image, env),
      env,
      reference: parseImageReference(container.image ?? ""),
      readFile,
      random: this.#random.of(id),
      now: () => this.now(),
      log: (text) => this.containerLogs.append(id, { atMs: this.now(), text }),
      get network() {
        return kubelet.network;
      },
    };
  }

  #listenersOf(pod: Pod): readonly Listener[] {
    const known = this.#listeners.get(pod);
    if (known) return known;
    const sidecars = pod.spec.initContainers ?? [];
    const statuses = [...(pod.status.containerStatuses ?? []), ...(pod.status.initContainerStatuses ?? [])];
    const running = new Set(statuses.filter(({ state }) => state?.running).map(({ name }) => name));
    let isSettled = true;
    const listeners = [...pod.spec.containers, ...sidecars]
      .filter(({ name }) => running.has(name))
      .flatMap((container) => {
        const fault = this.#parts.faults?.ofContainer(pod, container);
        const startedAt = msOf(statuses.find(({ name }) => name === container.name)?.state?.running?.startedAt);
        if (this.#listensYet(fault, startedAt)) return this.#listenersIn(this.place(pod, container));
        isSettled = false;
        return [];
      });
    if (isSettled) this.#listeners.set(pod, listeners);
    return listeners;
  }

  /** Servers do not depend on what tools find; run here, two pods that ask each other would never come to an end. */
  #listenersIn(place: ContainerPlace): readonly Listener[] {
    const process = processOf(place.container, place.env, place.readFile, () => undefined);
    return process.does === "run" ? (process.listeners?.(this.#running(place)) ?? []) : [];
  }

  #forget(pod: Pod): void {
    for (const { name, restartCount } of [...(pod.status.containerStatuses ?? []), ...(pod.status.initContainerStatuses ?? [])]) {
      for (let run = 0; run <= restartCount; run += 1) {
        const id = `${pod.metadata.uid}/${name}/${run}`;
        this.containerLogs.forget(id);
        this.probeHistory.forget(id);
        this.#ended.delete(id);
        this.writtenFiles.forget(id);
        this.#random.forget(id);
      }
    }
  }
}

/** How long a container that is made to end runs before it does. */
const faultEndsAfterMs = { crash: 1000, oom: 3000 } as const;

/** What the process was is over soon after its start; one that runs already, at once. */
function endedByFault(how: "crash" | "oom", own: Process): Process {
  const lines = own.does === "not-found" ? [] : (own.lines ?? []);
  const common = { does: "exit", afterMs: faultEndsAfterMs[how], hasWaited: true } as const;
  return how === "oom"
    ? { ...common, code: 137, reason: "OOMKilled", lines }
    : { ...common, code: 1, lines: [...lines, "fatal: the fault pod-crash ends this process"] };
}

const imageEnvironment = ({ env, user }: Image): Environment => ({
  PATH: "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
  HOME: user === undefined ? "/root" : `/home/${user.name}`,
  ...env,
});

const containerStatus = (pod: Pod, container: string) =>
  [...(pod.status.containerStatuses ?? []), ...(pod.status.initContainerStatuses ?? [])].find(({ name }) => name === container);

/** Counts the restarts in, so that another run has another file system. */
export const runId = (pod: Pod, container: string, back = 0): string =>
  `${pod.metadata.uid}/${container}/${(containerStatus(pod, container)?.restartCount ?? 0) - back}`;
