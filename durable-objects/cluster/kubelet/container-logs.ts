/**
 * Logs of containers: what a process writes at its start and in its loop follows from the time; what it writes because
 * of requests is kept.
 *
 * Lived, and bounded: the last lines of each container, and so many bytes in the cluster.
 */
import type { Process } from "./process.ts";

export interface LogLine {
  /** Cluster time. */
  atMs: number;
  text: string;
}

export const logLimits = { linesOfContainer: 500, lineBytes: 16 * 1024, clusterBytes: 512 * 1024 } as const;

export class ContainerLogs {
  readonly #kept = new Map<string, LogLine[]>();
  #bytes = 0;
  /** Rises with every line that is kept. */
  changes = 0;

  append(container: string, line: LogLine): void {
    const lines = this.#kept.get(container) ?? [];
    const kept = { ...line, text: line.text.slice(0, logLimits.lineBytes) };
    lines.push(kept);
    this.changes += 1;
    this.#bytes += kept.text.length;
    if (lines.length > logLimits.linesOfContainer) this.#dropFirst(lines);
    // The container that wrote last stands last: the quiet ones lose their oldest lines first.
    this.#kept.delete(container);
    this.#kept.set(container, lines);
    for (const oldest of this.#kept.values()) while (this.#bytes > logLimits.clusterBytes && oldest.length > 0) this.#dropFirst(oldest);
  }

  #dropFirst(lines: LogLine[]): void {
    this.#bytes -= lines.shift()?.text.length ?? 0;
  }

  entries(): [container: string, lines: readonly LogLine[]][] {
    return [...this.#kept];
  }

  restore(entries: readonly (readonly [container: string, lines: readonly LogLine[]])[]): void {
    for (const [container, lines] of entries) for (const line of lines) this.append(container, line);
  }

  kept(container: string): readonly LogLine[] {
    return this.#kept.get(container) ?? [];
  }

  forget(container: string): void {
    for (const { text } of this.kept(container)) this.#bytes -= text.length;
    this.#kept.delete(container);
  }
}

/** At most so many lines of a loop are computed. */
const maxRepeats = 1000;

/**
 * What the process itself wrote between two times, without what requests made it write.
 *
 * @param startedAt when it started
 * @param until the end of its run, or now
 */
export function ownLines(process: Process, startedAt: number, until: number): LogLine[] {
  if (process.does === "not-found") return [];
  if (process.does === "exit" && process.tellsAtEnd) {
    const endAt = startedAt + process.afterMs;
    return endAt > until ? [] : (process.lines ?? []).map((text) => ({ atMs: endAt, text }));
  }
  const first = (process.lines ?? []).map((text) => ({ atMs: startedAt, text: dated(text, startedAt) }));
  if (process.does === "exit" || !process.repeats) return first;
  const { everyMs, lines } = process.repeats;
  const turns = Math.floor((until - startedAt) / everyMs) + 1;
  const from = Math.max(0, turns - Math.ceil(maxRepeats / lines.length));
  const repeated = Array.from({ length: Math.max(0, turns - from) }, (_, at) => startedAt + (from + at) * everyMs).flatMap((atMs) =>
    lines.map((text) => ({ atMs, text: dated(text, atMs) })),
  );
  return [...first, ...repeated];
}

/** `$(date)` is the time of the line, as `date` prints it. */
const dated = (text: string, atMs: number): string => text.replaceAll("$(date)", dateOutput(atMs));

/** `Tue Nov 24 15:03:00 UTC 2026` */
export function dateOutput(ms: number): string {
  const [weekday = "", day, month, year, time] = new Date(ms).toUTCString().split(" ");
  return `${weekday.replace(",", "")} ${month} ${String(Number(day)).padStart(2)} ${time} UTC ${year}`;
}
