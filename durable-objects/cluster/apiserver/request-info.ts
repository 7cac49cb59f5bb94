/**
 * What a request to the Kubernetes API is about, read from its method and path alone.
 *
 * @see https://kubernetes.io/docs/reference/access-authn-authz/authorization/#determine-the-request-verb
 */

export type Verb = "get" | "list" | "watch" | "create" | "update" | "patch" | "delete" | "deletecollection";

export interface ResourceRequest {
  isResource: true;
  verb: Verb;
  group: string;
  version: string;
  /** Empty for cluster-scoped requests and lists over all namespaces. */
  namespace: string;
  resource: string;
  /** Empty for collections. */
  name: string;
  subresource: string;
  /** What follows the subresource, for proxies: `/index.html`. */
  rest: string;
}

export interface PathRequest {
  isResource: false;
  path: string;
  /** The path names a resource, but nothing of it can be done with this method. */
  methodNotAllowed?: boolean;
  /** A percent sign without two digits: no HTTP server of Go's reads on. */
  malformed?: boolean;
}

export type RequestInfo = ResourceRequest | PathRequest;

const collectionVerbs: Record<string, Verb | undefined> = { GET: "list", HEAD: "list", POST: "create", DELETE: "deletecollection" };
const objectVerbs: Record<string, Verb | undefined> = {
  GET: "get",
  HEAD: "get",
  POST: "create",
  PUT: "update",
  PATCH: "patch",
  DELETE: "delete",
};
/** Subresources of a namespace itself; any other third part below a namespace names a resource. */
const namespaceSubresources = new Set(["status", "finalize"]);

/**
 * Reads `/api/v1/namespaces/{ns}/pods/{name}/log` and the like.
 *
 * @param path still percent-encoded, without query
 * @returns `isResource: false` for discovery, health and all other paths, and where the method fits nothing (the server answers 405)
 */
export function requestInfo(method: string, path: string, query: URLSearchParams): RequestInfo {
  const parts = path.split("/").filter((part) => part !== "");
  const base = apiBase(parts);
  if (!base) return { isResource: false, path };
  let rest = parts.slice(base.depth);
  // The deprecated spelling /api/v1/watch/... means the same as ?watch=true.
  const watchPath = rest[0] === "watch";
  if (watchPath) rest = rest.slice(1);
  if (/%(?![0-9a-f]{2})/i.test(path)) return { isResource: false, path, malformed: true };
  let decoded = rest.map(decodedSegment);
  let namespace = "";
  if (decoded[0] === "namespaces" && decoded.length > 1) {
    namespace = decoded[1] as string;
    if (decoded.length > 2 && !namespaceSubresources.has(decoded[2] as string)) decoded = decoded.slice(2);
  }
  const [resource = "", name = "", subresource = "", ...after] = decoded;
  if (resource === "") return { isResource: false, path };
  const verbs = name === "" ? collectionVerbs : objectVerbs;
  let verb = Object.hasOwn(verbs, method) ? verbs[method] : undefined;
  if (verb === undefined) return { isResource: false, path, methodNotAllowed: true };
  if (watchPath || (verb === "list" && isTrue(query.get("watch")))) verb = "watch";
  // `namespace` of the object /api/v1/namespaces/{name} is that name, as the real server has it for authorization.
  return {
    isResource: true,
    verb,
    group: base.group,
    version: base.version,
    namespace,
    resource,
    name,
    subresource,
    rest: after.length > 0 ? `/${after.join("/")}` : "",
  };
}

/** Every value but `0` and `false` counts as true, also the empty one (seen in golden/corpus). */
export const isTrue = (value: string | null): boolean => value !== null && value !== "0" && value.toLowerCase() !== "false";

/** Bytes that are no UTF-8 are part of a name that nothing has. */
function decodedSegment(segment: string): string {
  try {
    return decodeURIComponent(segment);
  } catch {
    return segment.replace(/%([0-9a-f]{2})/gi, "\ufffd");
  }
}

function apiBase(parts: readonly string[]): { group: string; version: string; depth: number } | undefined {
  if (parts[0] === "api" && parts.length > 2) return { group: "", version: parts[1] as string, depth: 2 };
  if (parts[0] === "apis" && parts.length > 3) return { group: parts[1] as string, version: parts[2] as string, depth: 3 };
  return undefined;
}
