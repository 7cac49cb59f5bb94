/** Which busybox an image has: its tools changed from version to version. */

import type { Options, ToolContext } from "./tool.ts";

export interface Busybox {
  /** `1.34.1` */
  version: string;
  /** The first line of every usage text. */
  banner: string;
}

const bannerOf = (version: string, built: string): string => `BusyBox v${version} (${built}) multi-call binary.`;

/** The busybox of each Alpine release, with the time of its build. */
const ofAlpine: readonly [alpine: string, version: string, built: string][] = [
  ["3.9", "1.29.3", "2019-01-24 07:45:07 UTC"],
  ["3.10", "1.30.1", "2019-06-12 17:51:55 UTC"],
  ["3.11", "1.31.1", "2019-12-18 21:05:12 UTC"],
  ["3.12", "1.31.1", "2020-05-27 12:07:23 UTC"],
  ["3.13", "1.32.1", "2021-01-15 15:39:23 UTC"],
  ["3.14", "1.33.1", "2021-06-07 17:33:50 UTC"],
  ["3.15", "1.34.1", "2022-02-02 18:21:20 UTC"],
  ["3.16", "1.35.0", "2022-05-09 17:27:12 UTC"],
  ["3.17", "1.35.0", "2022-11-19 10:13:10 UTC"],
  ["3.18", "1.36.1", "2023-07-27 17:12:24 UTC"],
  ["3.19", "1.36.1", "2023-11-07 18:53:09 UTC"],
];
const newest = { version: "1.36.1", banner: bannerOf("1.36.1", "2023-11-07 18:53:09 UTC") };
/** Alpine 3.15, which the images of "Learn Kubernetes in a Month of Lunches" are built on. */
const ofTheBook = { version: "1.34.1", banner: bannerOf("1.34.1", "2022-02-02 18:21:20 UTC") };

/** Tells by the name of the image: `busybox:1.28`, `alpine:3.12`, `nginx:1.21-alpine3.15`; else the newest. */
export function busyboxOf(image: string): Busybox {
  const [path = "", tag = ""] =
    image
      .split("@")[0]
      ?.replace(/^[^/]*[.:][^/]*\//, "")
      .split(":") ?? [];
  if (path.startsWith("kiamol/")) return ofTheBook;
  const own = /(^|\/)busybox$/.test(path) ? /^\d+\.\d+(\.\d+)?/.exec(tag)?.[0] : undefined;
  if (own !== undefined) return { version: own, banner: bannerOf(own, "2018-05-22 17:00:17 UTC") };
  const alpine = /(^|\/)alpine$/.test(path) ? /^\d+\.\d+/.exec(tag)?.[0] : /alpine(\d+\.\d+)/.exec(tag)?.[1];
  const found = ofAlpine.find(([release]) => release === alpine);
  return found === undefined ? newest : { version: found[1], banner: bannerOf(found[1], found[2]) };
}

export const busyboxOfPlace = ({ place }: ToolContext): Busybox => busyboxOf(place.container.image ?? "");

/** Since 1.36 a name with addresses of both families means the IPv4 one. */
export const busyboxPrefersFour = (context: ToolContext): boolean => busyboxSince(busyboxOfPlace(context), 1, 36);

/** What an applet says of itself, with a complaint about an option in front where there was one. */
export function busyboxUsage(context: ToolContext, usage: string, { problem }: Pick<Options, "problem"> = {}): string {
  return `${problem ? `${problemWords(context, problem)}\n` : ""}${busyboxOfPlace(context).banner}\n\n${usage}`;
}

/** getopt's words: those of musl are fewer. */
function problemWords({ argv, place }: ToolContext, { kind, name, isLong }: NonNullable<Options["problem"]>): string {
  const applet = argv[0];
  if (place.image.userland.libc === "musl")
    return `${applet}: ${kind === "unknown" ? "unrecognized option" : "option requires an argument"}: ${name}`;
  if (isLong) return `${applet}: ${kind === "unknown" ? `unrecognized option '--${name}'` : `option '--${name}' requires an argument`}`;
  return `${applet}: ${kind === "unknown" ? "invalid option" : "option requires an argument"} -- '${name}'`;
}

/** True from that version on. */
export function busyboxSince({ version }: Busybox, major: number, minor: number): boolean {
  const [ownMajor = 0, ownMinor = 0] = version.split(".").map(Number);
  return ownMajor > major || (ownMajor === major && ownMinor >= minor);
}
