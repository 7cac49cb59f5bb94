/**
 * What the Worker tells the object about a request, in headers that nobody outside can set: the Worker removes every
 * header of this family before it sets its own.
 */
import type { Principal } from "../cluster/access/principal.ts";

export const visitHeaderPrefix = "x-kubearium-";

export const visitHeaders = {
  /** The sandbox's id as in its URL. */
  id: "x-kubearium-id",
  /** Public address of the sandbox, without a trailing slash. */
  base: "x-kubearium-base",
  /** The token, wherever the client carried it. Absent: none. */
  credential: "x-kubearium-credential",
  /** How it was carried. */
  via: "x-kubearium-via",
  /** `1` in local mode: `demo` is open and is born on its first visit. */
  local: "x-kubearium-local",
  /** Base64 of the PEM of the local certificate authority; only for `/kubeconfig`, only over local TLS. */
  ca: "x-kubearium-ca",
  /** `1` on calls that the hub itself makes (`/_/…`). */
  internal: "x-kubearium-internal",
} as const;

/** What the object reads out of these headers. */
export interface VisitFacts {
  id: string;
  baseURL: string;
  credential: string | undefined;
  via: Principal["via"];
  local: boolean;
  certificateAuthority: string | undefined;
  internal: boolean;
}

const carriers: readonly string[] = ["bearer", "path", "cookie", "subprotocol"] satisfies Principal["via"][];

export function visitFacts(headers: Headers): VisitFacts {
  const get = (name: string) => headers.get(name) ?? undefined;
  const via = get(visitHeaders.via) ?? "";
  return {
    id: get(visitHeaders.id) ?? "",
    baseURL: get(visitHeaders.base) ?? "",
    credential: get(visitHeaders.credential),
    via: carriers.includes(via) ? (via as Principal["via"]) : "anonymous",
    local: get(visitHeaders.local) === "1",
    certificateAuthority: get(visitHeaders.ca),
    internal: get(visitHeaders.internal) === "1",
  };
}

/** Removes every header of the family, in place. */
export function stripVisitHeaders(headers: Headers): void {
  const ours: string[] = [];
  headers.forEach((_, name) => {
    if (name.startsWith(visitHeaderPrefix)) ours.push(name);
  });
  for (const name of ours) headers.delete(name);
}
