/** "No" on behalf of a whole sandbox, in the form the asked surface speaks: `Status` for the Kubernetes API, else problem+json. */

import { unauthorized } from "../cluster/access/authorize.ts";
import { failure, type StatusError } from "../cluster/api/status-error.ts";
import type { DirectoryEntry } from "./directory.ts";
import { problemResponse } from "./problem.ts";

const kubernetesRoots = ["api", "apis", "version", "openapi", "readyz", "livez", "healthz"];

/** @param path of one sandbox, without `/s/{id}` */
export const isKubernetesPath = (path: string): boolean => kubernetesRoots.includes(path.split("/", 2)[1] ?? "");

export function unknownSandbox(path: string): Response {
  const detail = "There is no sandbox at this address.";
  if (isKubernetesPath(path)) return statusResponse(failure(404, "NotFound", detail, {}));
  return problemResponse({
    type: "no-such-sandbox",
    title: "No such sandbox",
    status: 404,
    detail,
    fix: "Check the address, or make a new sandbox: POST /sandboxes.",
  });
}

export function endedSandbox(path: string, { at, reason }: NonNullable<DirectoryEntry["ended"]>): Response {
  const why = reason === "deleted" ? "was deleted" : "expired";
  const detail = `This sandbox ${why} at ${new Date(at).toISOString()}.`;
  if (isKubernetesPath(path)) return statusResponse(failure(410, "Gone", detail, {}));
  return problemResponse({
    type: "sandbox-ended",
    title: reason === "deleted" ? "Sandbox deleted" : "Sandbox expired",
    status: 410,
    detail,
    fix: "Make a new sandbox: POST /sandboxes. A larger ttlSeconds keeps it longer while nobody uses it.",
  });
}

/** No token, or one this sandbox does not know. */
export function unknownVisitor(path: string, sent: boolean): Response {
  if (isKubernetesPath(path)) return statusResponse(unauthorized());
  return problemResponse(
    {
      type: "unauthorized",
      title: "Unauthorized",
      status: 401,
      detail: sent ? "This sandbox does not know that token." : "This sandbox asks for a token.",
      fix: "Send `Authorization: Bearer <adminToken or viewToken>` of this sandbox, as POST /sandboxes answered them.",
    },
    { "www-authenticate": "Bearer" },
  );
}

/** A known visitor who may not. For surfaces outside the Kubernetes API. */
export const notAllowed = (reason: string): Response =>
  problemResponse({
    type: "forbidden",
    title: "Forbidden",
    status: 403,
    detail: `${reason}.`,
    fix: "Use the admin token of this sandbox; the view token only looks.",
  });

const statusResponse = ({ status }: StatusError): Response =>
  new Response(JSON.stringify(status, null, 2), { status: status.code, headers: { "content-type": "application/json" } });
