/**
 * Files that commands wrote in containers: an overlay over what a container starts with, which goes with the container.
 *
 * Lived, and bounded: at most so many bytes in one container, and so many in the cluster.
 */

export interface WrittenFile {
  /** `undefined`: removed. */
  content: Uint8Array | undefined;
  mode: number;
  mtimeMs: number;
  isDirectory: boolean;
}

export const writtenLimits = { containerBytes: 512 * 1024, clusterBytes: 1024 * 1024, containerFiles: 2000 } as const;

/** The disk is full: as a program is told. */
export class NoSpaceError extends Error {
  override readonly name = "NoSpaceError";
  constructor() {
    super("ENOSPC: No space left on device");
  }
}

export class WrittenFiles {
  readonly #layers = new Map<string, Map<string, WrittenFile>>();
  readonly #bytes = new Map<string, number>();
  /** Rises with every write. */
  changes = 0;
  /** Told about every write, by a container's run. */
  onWrite: (container: string) => void = () => {};

  layer(container: string): ReadonlyMap<string, WrittenFile> {
    return this.#layers.get(container) ?? new Map();
  }

  /** @throws NoSpaceError where a bound would be passed */
  put(container: string, path: string, file: WrittenFile): void {
    const layer = this.#layers.get(container) ?? new Map<string, WrittenFile>();
    const grown = (file.content?.length ?? 0) - (layer.get(path)?.content?.length ?? 0);
    const bytes = (this.#bytes.get(container) ?? 0) + grown;
    const all = [...this.#bytes.values()].reduce((sum, size) => sum + size, 0) + grown;
    const isFull =
      bytes > writtenLimits.containerBytes ||
      all > writtenLimits.clusterBytes ||
      (!layer.has(path) && layer.size >= writtenLimits.containerFiles);
    if (isFull) throw new NoSpaceError();
    layer.set(path, file);
    this.#layers.set(container, layer);
    this.#bytes.set(container, bytes);
    this.changes += 1;
    this.onWrite(container);
  }

  entries(): [container: string, files: [path: string, file: WrittenFile][]][] {
    return [...this.#layers].map(([container, layer]) => [container, [...layer]]);
  }

  /** The container is gone. */
  forget(container: string): void {
    this.#layers.delete(container);
    this.#bytes.delete(container);
  }
}
