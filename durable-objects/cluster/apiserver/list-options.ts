/**
 * The query options of reads, and a page of a list: limit and continue, resourceVersion and what it must match.
 *
 * @see https://kubernetes.io/docs/reference/using-api/api-concepts/#resource-versions
 */
import type { KubeObject } from "../api/objects.ts";
import { keyOf } from "../api/objects.ts";
import { badRequest, failure, gone, type StatusError } from "../api/status-error.ts";
import type { VersionedStore } from "../storage/versioned-store.ts";

export interface ListPage {
  objects: readonly KubeObject[];
  revision: string;
  continue?: string;
  /** Absent on the last page, and where a selector makes it unknown. */
  remainingItemCount?: number;
}

interface ContinueToken {
  v: "meta.k8s.io/v1";
  rv: number;
  start: string;
}

/**
 * One page of a list.
 *
 * @param matches selectors, applied before the page is cut; `selective` says whether there are any
 * @throws StatusError 400 for a broken token or revision, 410 for one that is too old, 504 for one that is yet to come
 */
export function listPage(
  store: VersionedStore,
  resource: string,
  namespace: string,
  query: URLSearchParams,
  matches: (object: KubeObject) => boolean,
  selective: boolean,
): ListPage {
  const limit = wholeNumber(query, "limit");
  const token = query.get("continue");
  const wanted = query.get("resourceVersion") ?? "";
  const match = query.get("resourceVersionMatch") ?? "";
  refuseBadCombination(wanted, match, token);
  let revision = store.revision;
  let objects: readonly KubeObject[];
  let start = "";
  if (token !== null && token !== "") {
    const parsed = parseToken(token);
    start = parsed.start;
    if (parsed.rv > 0) revision = parsed.rv;
    objects = objectsAt(store, resource, namespace, revision, true);
  } else if (match === "Exact") {
    revision = revisionNumber(wanted);
    if (revision > store.revision) throw tooLargeRevision(revision, store.revision);
    objects = objectsAt(store, resource, namespace, revision, false);
  } else {
    if (wanted !== "" && wanted !== "0" && revisionNumber(wanted) > store.revision)
      throw tooLargeRevision(revisionNumber(wanted), store.revision);
    objects = store.list(resource, namespace);
  }
  const matching = selective ? objects.filter(matches) : objects;
  const rest = start === "" ? matching : matching.filter((object) => keyOf(object) >= start);
  // A limit counts for nothing where any old state would do.
  const page = limit > 0 && !(wanted === "0" && token === null) && rest.length > limit ? rest.slice(0, limit) : rest;
  if (page.length === rest.length) return { objects: page, revision: String(revision) };
  return {
    objects: page,
    revision: String(revision),
    continue: tokenText({ v: "meta.k8s.io/v1", rv: revision, start: `${keyOf(page.at(-1) as KubeObject)}\0` }),
    ...(selective ? {} : { remainingItemCount: rest.length - page.length }),
  };
}

/** The objects of a resource as they were at a revision, in key order: today's with the later changes undone. */
export function objectsAt(
  store: VersionedStore,
  resource: string,
  namespace: string,
  revision: number,
  continued: boolean,
): readonly KubeObject[] {
  const today = store.list(resource, namespace);
  if (revision >= store.revision) return today;
  if (revision < store.oldestRevision) {
    throw gone(
      continued
        ? "The provided continue parameter is too old to display a consistent list result. You can start a new list without the continue parameter, or use the continue token in this response to retrieve the remainder of the results. Continuing with the provided token results in an inconsistent list - objects that were created, modified, or deleted between the time the first chunk was returned and now may show up in the list."
        : `The resourceVersion for the provided list is too old.`,
    );
  }
  const later = store.changesSince(revision, resource);
  if (later.length === 0) return today;
  const byKey = new Map(today.map((object) => [keyOf(object), object]));
  for (const change of later.reverse()) {
    if (namespace !== "" && change.object.metadata.namespace !== namespace) continue;
    if (change.type === "ADDED" || change.previous === undefined) byKey.delete(keyOf(change.object));
    else byKey.set(keyOf(change.object), change.previous);
  }
  return [...byKey.entries()].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, object]) => object);
}

export function tooLargeRevision(wanted: number, current: number): StatusError {
  const message = `Too large resource version: ${wanted}, current: ${current}`;
  return failure(504, "Timeout", message, {
    causes: [{ reason: "ResourceVersionTooLarge", message: "Too large resource version" }],
    retryAfterSeconds: 1,
  });
}

/** A revision in a query. @throws StatusError 400 where it is no number */
export function revisionNumber(text: string): number {
  if (!/^\d+$/.test(text))
    throw badRequest(`Invalid value: ${JSON.stringify(text)}: strconv.ParseUint: parsing ${JSON.stringify(text)}: invalid syntax`);
  return Number(text);
}

function refuseBadCombination(wanted: string, match: string, token: string | null): void {
  const problems: string[] = [];
  if (match !== "" && token !== null && token !== "") problems.push("resourceVersionMatch is forbidden when continue is provided");
  if (match !== "" && wanted === "") problems.push("resourceVersionMatch is forbidden unless resourceVersion is provided");
  if (match !== "" && match !== "Exact" && match !== "NotOlderThan") {
    throw failure(
      422,
      "Invalid",
      `ListOptions.meta.k8s.io "" is invalid: resourceVersionMatch: Unsupported value: ${JSON.stringify(match)}: supported values: "Exact", "NotOlderThan", ""`,
      {
        group: "meta.k8s.io",
        kind: "ListOptions",
        causes: [
          {
            reason: "FieldValueNotSupported",
            message: `Unsupported value: ${JSON.stringify(match)}: supported values: "Exact", "NotOlderThan", ""`,
            field: "resourceVersionMatch",
          },
        ],
      },
    );
  }
  if (match === "Exact" && wanted === "0") problems.push('resourceVersionMatch "exact" is forbidden for resourceVersion "0"');
  if (problems.length === 0) {
    if (token !== null && token !== "" && wanted !== "" && wanted !== "0")
      throw badRequest("specifying resource version is not allowed when using continue");
    return;
  }
  throw failure(422, "Invalid", `ListOptions.meta.k8s.io "" is invalid: resourceVersionMatch: Forbidden: ${problems[0]}`, {
    group: "meta.k8s.io",
    kind: "ListOptions",
    causes: problems.map((message) => ({ reason: "FieldValueForbidden", message: `Forbidden: ${message}`, field: "resourceVersionMatch" })),
  });
}

function wholeNumber(query: URLSearchParams, name: string): number {
  const text = query.get(name);
  if (text === null || text === "") return 0;
  if (!/^-?\d+$/.test(text)) throw badRequest(`strconv.ParseInt: parsing ${JSON.stringify(text)}: invalid syntax`);
  return Number(text);
}

const tokenText = (token: ContinueToken): string =>
  btoa(JSON.stringify(token)).replaceAll("+", "-").replaceAll("/", "_").replace(/=+$/, "");

function parseToken(text: string): ContinueToken {
  let token: unknown;
  try {
    token = JSON.parse(atob(text.replaceAll("-", "+").replaceAll("_", "/")));
  } catch {
    throw badRequest("continue key is not valid: encoding error");
  }
  const { v, rv, start } = (token ?? {}) as Partial<ContinueToken>;
  if (v !== "meta.k8s.io/v1") throw badRequest("continue key is not valid: server does not recognize this encoded version");
  if (typeof rv !== "number" || typeof start !== "string" || start === "")
    throw badRequest("continue key is not valid: encoded start is not valid");
  return { v, rv, start };
}
