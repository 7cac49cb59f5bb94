/**
 * Refusals of the API: the error is the `Status` that kube-apiserver would send, one constructor a reason.
 *
 * @see https://kubernetes.io/docs/reference/kubernetes-api/common-definitions/status/
 */
import { qualifiedResource } from "./objects.ts";

export interface StatusCause {
  reason?: string;
  message?: string;
  field?: string;
}

export interface Status {
  kind: "Status";
  apiVersion: "v1";
  metadata: { continue?: string };
  status: "Success" | "Failure";
  message?: string;
  reason?: string;
  details?: { name?: string; group?: string; kind?: string; uid?: string; causes?: StatusCause[]; retryAfterSeconds?: number };
  code: number;
}

export class StatusError extends Error {
  override readonly name = "StatusError";
  readonly status: Status;
  /** Texts of `Warning` headers to send along; a 422 can carry unknown-field warnings. */
  warnings: string[] = [];
  constructor(status: Status) {
    super(status.message ?? status.reason ?? "failure");
    this.status = status;
  }
}

/** Group and resource as messages name them (`deployments.apps`); in Status details the plural stands under `kind`. */
export interface GroupResource {
  group: string;
  resource: string;
}

type Details = NonNullable<Status["details"]>;

/** A failure with its details in the order the server writes them. `undefined` members are left out by JSON. */
export function failure(code: number, reason: string | undefined, message: string, details?: Details): StatusError {
  return new StatusError({
    kind: "Status",
    apiVersion: "v1",
    metadata: {},
    status: "Failure",
    message,
    ...(reason === undefined ? {} : { reason }),
    ...(details === undefined ? {} : { details }),
    code,
  });
}

const detailsOf = (of: GroupResource, name?: string): Details => ({
  ...(name === undefined || name === "" ? {} : { name }),
  ...(of.group === "" ? {} : { group: of.group }),
  kind: of.resource,
});

/** deployments.apps "web" not found */
export const notFound = (of: GroupResource, name: string): StatusError =>
  failure(404, "NotFound", `${qualifiedResource(of)} "${name}" not found`, detailsOf(of, name));

/** What the server says for a path nobody serves. */
export const pageNotFound = (): StatusError => failure(404, "NotFound", "the server could not find the requested resource", {});

export const alreadyExists = (of: GroupResource, name: string): StatusError =>
  failure(409, "AlreadyExists", `${qualifiedResource(of)} "${name}" already exists`, detailsOf(of, name));

export const conflict = (of: GroupResource, name: string, because: string): StatusError =>
  failure(409, "Conflict", `Operation cannot be fulfilled on ${qualifiedResource(of)} "${name}": ${because}`, detailsOf(of, name));

export const forbidden = (of: GroupResource, name: string, because: string): StatusError =>
  failure(
    403,
    "Forbidden",
    name === "" ? `${qualifiedResource(of)} is forbidden: ${because}` : `${qualifiedResource(of)} "${name}" is forbidden: ${because}`,
    detailsOf(of, name),
  );

export const badRequest = (message: string): StatusError => failure(400, "BadRequest", message);

export const methodNotAllowed = (): StatusError =>
  failure(405, "MethodNotAllowed", "the server does not allow this method on the requested resource", {});

export const unsupportedMediaType = (message: string): StatusError => failure(415, "UnsupportedMediaType", message);

export const notAcceptable = (message: string): StatusError => failure(406, "NotAcceptable", message);

export const gone = (message: string): StatusError => failure(410, "Expired", message);

export const tooLarge = (message: string): StatusError => failure(413, "RequestEntityTooLarge", message);

export const internal = (message: string): StatusError =>
  failure(500, "InternalError", `Internal error occurred: ${message}`, { causes: [{ message }] });
