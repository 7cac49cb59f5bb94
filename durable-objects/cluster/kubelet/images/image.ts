/** An image of the catalog: what the kubelet, exec and the network need to know of it. One file an image. */
import type { Program } from "../process.ts";

/** Which commands exec finds in the image, and in whose words they speak. */
export interface Userland {
  libc: "musl" | "glibc";
  /** Names of programs; a file in `shell/` knows each of them. */
  tools: ReadonlySet<string>;
  /** `busybox` or `iputils` ping, `busybox` or `gnu` wget, ... where a name has more than one maker. */
  flavours: Readonly<Record<string, string>>;
}

export interface Image {
  /** Repositories as people write them, without tag. */
  names: readonly string[];
  userland: Userland;
  sizeBytes: number;
  entrypoint: readonly string[];
  cmd: readonly string[];
  env?: Readonly<Record<string, string>>;
  workingDir?: string;
  /** The user that processes run as; default root. */
  user?: { name: string; id: number };
  /** Files beyond those that every container has. */
  files?: Readonly<Record<string, string>>;
  /** Programs that the image brings along, by name without folder; those every userland has stand in `common-programs.ts`. */
  programs?: Readonly<Record<string, Program>>;
}
