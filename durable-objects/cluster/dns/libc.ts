/**
 * Which C library the programs of an image use for names, and how it words its failures.
 */

export interface Libc {
  name: "glibc" | "musl";
  /** Behaviour differs: musl asks again over TCP and tells "no address" from "no name" since 1.2.4. */
  version: string;
}

/** What `getaddrinfo` returns. */
export type LookupError = "EAI_NONAME" | "EAI_NODATA" | "EAI_AGAIN" | "EAI_FAIL";

const glibc: Libc = { name: "glibc", version: "2.36" };
/** Alpine 3.19 and later. */
const musl: Libc = { name: "musl", version: "1.2.5" };
/** Alpine 3.15, which the images of "Learn Kubernetes in a Month of Lunches" are built on. */
const olderMusl: Libc = { name: "musl", version: "1.2.2" };

/** Tells by the name of the image: what is built on Alpine uses musl, everything else glibc. */
export function libcOf(image: string): Libc {
  const [path = "", tag = ""] =
    image
      .split("@")[0]
      ?.replace(/^[^/]*[.:][^/]*\//, "")
      .split(":") ?? [];
  if (path.startsWith("kiamol/")) return olderMusl;
  const onMusl = /(^|\/)(alpine|busybox)$/.test(path) || path.startsWith("curlimages/") || /(^|[-.])alpine/.test(tag);
  return onMusl ? musl : glibc;
}

/** True from that version on: `atLeast(libc, 1, 2, 4)`. */
export function atLeast({ version }: Libc, ...wanted: number[]): boolean {
  const parts = version.split(".").map(Number);
  for (const [index, part] of wanted.entries()) {
    if ((parts[index] ?? 0) !== part) return (parts[index] ?? 0) > part;
  }
  return true;
}

/** What a name without addresses is called; older versions of musl do not tell it from a missing one. */
export const noAddress = (libc: Libc): LookupError => (libc.name === "glibc" || atLeast(libc, 1, 2, 4) ? "EAI_NODATA" : "EAI_NONAME");

/** As `gai_strerror` words it. */
export function errorText(libc: Libc, error: LookupError): string {
  const [ofGlibc, ofMusl] = texts[error];
  return libc.name === "glibc" ? ofGlibc : ofMusl;
}

const texts: Record<LookupError, readonly [ofGlibc: string, ofMusl: string]> = {
  EAI_NONAME: ["Name or service not known", "Name does not resolve"],
  EAI_NODATA: ["No address associated with hostname", "Name has no usable address"],
  EAI_AGAIN: ["Temporary failure in name resolution", "Try again"],
  EAI_FAIL: ["Non-recoverable failure in name resolution", "Non-recoverable error"],
};
