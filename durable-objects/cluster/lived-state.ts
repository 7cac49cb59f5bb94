/**
 * Carries over a sleep what is in no object: logs, written files, draws, probes, session affinity, cached answers, traces.
 *
 * Saved as a few settings, each below the size of a row, and only a while after the last change: an object that is in use
 * does not lose its memory, so a request costs no row for this. What is saved is equal to what was lived, or left out
 * whole where it does not fit.
 */
import type { ClusterDNS, LivedDNS } from "./dns/cluster-dns.ts";
import type { Kubelet } from "./kubelet/kubelet.ts";
import type { LivedKubelet } from "./kubelet/lived-kubelet.ts";
import type { ClusterNetwork, LivedNetwork } from "./network/cluster-network.ts";
import type { Trace, Traces } from "./network/traces.ts";

export const livedLimits = {
  /** Characters of one row's JSON. */
  rowLength: 900_000,
  /** So long after a change it is saved; memory is lost ten seconds after the last request at the earliest. */
  saveAfterMs: 2_000,
  tracesInRow: 10,
} as const;

export interface LivedParts {
  kubelet: Kubelet;
  network: Pick<ClusterNetwork, "lived" | "restore" | "livedChanges">;
  dns: Pick<ClusterDNS, "lived" | "restore">;
  traces: Traces;
  now(): number;
  setting(key: string): string | undefined;
  /** In the order of their names. */
  settingKeys(prefix: string): string[];
  putSetting(key: string, value: string | undefined): void;
}

/** What is small. The lists of the kubelet that may be long have rows of their own. */
interface LivedCounts {
  kubelet: Omit<LivedKubelet, "logs" | "files">;
  network: LivedNetwork;
  dns: LivedDNS;
  nextTrace: number;
}

const prefix = "lived/";

export class LivedState {
  readonly #parts: LivedParts;
  #saved: number;
  #cache: LivedDNS["cache"] | undefined;

  constructor(parts: LivedParts) {
    this.#parts = parts;
    this.#saved = this.#changes();
  }

  get isDirty(): boolean {
    return this.#changes() !== this.#saved;
  }

  /** Rises with every change that a sleep must not undo. Questions to DNS count as connections. */
  #changes(): number {
    const { kubelet, network, traces } = this.#parts;
    return kubelet.livedChanges + network.livedChanges + traces.next;
  }

  /** Puts the settings; the owner commits. */
  save(): void {
    const { kubelet, network, dns, traces, now } = this.#parts;
    const { logs, files, ...rest } = kubelet.lived();
    const counts: LivedCounts = { kubelet: rest, network: network.lived(), dns: dns.lived(now()), nextTrace: traces.next };
    const rows = new Map<string, string>([
      ...inRows("logs", logs),
      ...inRows("files", files),
      ...tracesInRows(traces.list()),
      ...inRows("counts", [counts]),
    ]);
    for (const key of this.#parts.settingKeys(prefix)) if (!rows.has(key)) this.#parts.putSetting(key, undefined);
    for (const [key, row] of rows) this.#parts.putSetting(key, row);
    this.#saved = this.#changes();
  }

  /** Takes up what was saved, once the objects are back. */
  restore(): void {
    const { kubelet, network, traces } = this.#parts;
    const [counts] = this.#entries<LivedCounts>("counts");
    if (counts === undefined) return;
    kubelet.restore({
      ...counts.kubelet,
      logs: this.#entries<LivedKubelet["logs"][number]>("logs"),
      files: this.#entries<LivedKubelet["files"][number]>("files"),
    });
    network.restore(counts.network);
    this.#cache = counts.dns.cache;
    const kept = this.#entries<Trace>("traces").sort((a, b) => numberOf(a) - numberOf(b));
    traces.restore({ next: counts.nextTrace, kept });
    this.#saved = this.#changes();
  }

  /** Takes up the cached answers, once DNS has its Corefile and its records; the serial follows the clock, as after a restart. */
  restoreAnswers(): void {
    const { dns, now } = this.#parts;
    if (this.#cache !== undefined) dns.restore({ serial: dns.lived(now()).serial, cache: this.#cache });
    this.#cache = undefined;
  }

  #entries<T>(kind: string): T[] {
    const keys = this.#parts.settingKeys(`${prefix}${kind}`);
    return keys.flatMap((key) => JSON.parse(this.#parts.setting(key) ?? "[]") as T[]);
  }
}

/** Fills rows in order. An entry that no row can hold is left out. */
function inRows(kind: string, entries: readonly unknown[]): [key: string, row: string][] {
  const rows: string[][] = [];
  let length = Number.POSITIVE_INFINITY;
  for (const text of entries.map((entry) => JSON.stringify(entry))) {
    if (text.length > livedLimits.rowLength) continue;
    if (length + text.length + 1 > livedLimits.rowLength) {
      rows.push([]);
      length = 0;
    }
    rows.at(-1)?.push(text);
    length += text.length + 1;
  }
  return rows.map((texts, at) => [`${prefix}${kind}/${at}`, `[${texts.join(",")}]`]);
}

/** A trace stays in its row, so that a new one changes one row. */
function tracesInRows(traces: readonly Trace[]): [key: string, row: string][] {
  const groups = new Map<number, string[]>();
  for (const trace of traces) {
    const group = Math.floor(numberOf(trace) / livedLimits.tracesInRow);
    groups.set(group, [...(groups.get(group) ?? []), JSON.stringify(trace)]);
  }
  return [...groups].map(([group, texts]) => {
    let room: number = livedLimits.rowLength;
    const fitting = texts.reverse().filter((text) => {
      room -= text.length + 1;
      return room > 0;
    });
    return [`${prefix}traces/${group}`, `[${fitting.reverse().join(",")}]`];
  });
}

const numberOf = ({ id }: Trace): number => Number(id.slice("t-".length));
