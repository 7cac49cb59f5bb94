/**
 * How far somebody has read a log. Lines are worked out anew each time and the oldest go, so the place is kept as a
 * time and the number of lines read of that time.
 */
import type { LogLine } from "../../cluster/kubelet/container-logs.ts";

export class LogCursor {
  #atMs = Number.NEGATIVE_INFINITY;
  #ofThatTime = 0;

  /** @param read lines that are known already, in order */
  constructor(read: readonly LogLine[] = []) {
    this.#note(read);
  }

  /** What has come since. */
  next(lines: readonly LogLine[]): LogLine[] {
    const known = lines.filter(({ atMs }) => atMs === this.#atMs).length;
    const late = Math.max(0, known - this.#ofThatTime);
    const from = lines.findIndex(({ atMs }) => atMs > this.#atMs);
    const newer = from < 0 ? [] : lines.slice(from);
    const fresh = late > 0 ? [...lines.filter(({ atMs }) => atMs === this.#atMs).slice(-late), ...newer] : newer;
    this.#note(lines);
    return fresh;
  }

  #note(lines: readonly LogLine[]): void {
    const last = lines.at(-1);
    if (!last || last.atMs < this.#atMs) return;
    this.#atMs = last.atMs;
    this.#ofThatTime = lines.filter(({ atMs }) => atMs === last.atMs).length;
  }
}
