/**
 * The query options of reads, and a page of a list: limit and continue, resourceVersion and what it must match.
 *
 * @see https://kubernetes.io/docs/reference/using-api/api-concepts/#resource-versions
 */

import { type FieldError, forbiddenField, invalidObject, notSupported } from "../api/field-error.ts";
import type { KubeObject } from "../api/objects.ts";
import { keyOf } from "../api/objects.ts";
import { badRequest, failure, gone, type StatusError } from "../api/status-error.ts";
import type { VersionedStore } from "../storage/versioned-store.ts";
import { parseJson, plainValue } from "./fields/go-json.ts";

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
 * Refuses what does not go together in the options of a list or a watch.
 *
 * @throws StatusError 400 for a number that is none, 422 with every mistake
 */
export function checkListOptions(query: URLSearchParams, isWatch: boolean): void {
  for (const name of ["limit", "timeoutSeconds"]) wholeNumber(query, name);
  const wanted = query.get("resourceVersion") ?? "";
  const match = query.get("resourceVersionMatch") ?? "";
  const initial = query.get("sendInitialEvents");
  const errors: FieldError[] = [];
  const forbid = (field: string, message: string): void => {
    errors.push(forbiddenField(field, message));
  };
  const rvMatch = "resourceVersionMatch";
  if (isWatch) {
    if (initial === null && match !== "")
      forbid(rvMatch, "resourceVersionMatch is forbidden for watch unless sendInitialEvents is provided");
    if (initial !== null && match !== "NotOlderThan")
      forbid(rvMatch, "sendInitialEvents requires setting resourceVersionMatch to NotOlderThan");
    if (match !== "" && match !== "NotOlderThan") errors.push(notSupported(rvMatch, match, ["NotOlderThan"]));
  } else {
    if (initial !== null) forbid("sendInitialEvents", "sendInitialEvents is forbidden for list");
    if (match !== "") {
      if (wanted === "") forbid(rvMatch, "resourceVersionMatch is forbidden unless resourceVersion is provided");
      if ((query.get("continue") ?? "") !== "") forbid(rvMatch, "resourceVersionMatch is forbidden when continue is provided");
      if (match !== "Exact" && match !== "NotOlderThan") errors.push(notSupported(rvMatch, match, ["Exact", "NotOlderThan", ""]));
      if (match === "Exact" && wanted === "0") forbid(rvMatch, 'resourceVersionMatch "exact" is forbidden for resourceVersion "0"');
    }
  }
  if (errors.length > 0) throw invalidObject({ group: "meta.k8s.io", kind: "ListOptions" }, "", errors);
}

/**
 * One page of a list.
 *
 * @param query checked by `checkListOptions`
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
  const token = query.get("continue") ?? "";
  const wanted = query.get("resourceVersion") ?? "";
  let revision = store.revision;
  let objects: readonly KubeObject[];
  let start = "";
  if (token !== "") {
    if (wanted !== "" && wanted !== "0") throw badRequest("specifying resource version is not allowed when using continue");
    const parsed = parseToken(token);
    start = parsed.start;
    if (parsed.rv > 0) revision = parsed.rv;
    objects = objectsAt(store, resource, namespace, revision, true);
  } else {
    const asked = wanted === "" ? 0 : listRevision(wanted);
    if (asked > store.revision) throw tooLargeRevision(asked, store.revision);
    if (query.get("resourceVersionMatch") === "Exact") revision = asked;
    objects = objectsAt(store, resource, namespace, revision, false);
  }
  const matching = selective ? objects.filter(matches) : objects;
  const rest = start === "" ? matching : matching.filter((object) => keyOf(object) >= start);
  // A limit counts for nothing where any old state would do.
  const page = limit > 0 && !(wanted === "0" && token === "") && rest.length > limit ? rest.slice(0, limit) : rest;
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
  return failure(504, "Timeout", `Timeout: Too large resource version: ${wanted}, current: ${current}`, {
    causes: [{ reason: "ResourceVersionTooLarge", message: "Too large resource version" }],
    retryAfterSeconds: 1,
  });
}

const notANumber = (text: string): string =>
  `resourceVersion: Invalid value: ${JSON.stringify(text)}: strconv.ParseUint: parsing ${JSON.stringify(text)}: invalid syntax`;

/** The revision of a GET or a watch. @throws StatusError 500 where it is no number, as the real server answers */
export function revisionNumber(text: string): number {
  if (!/^\d+$/.test(text)) throw failure(500, undefined, notANumber(text));
  return Number(text);
}

function listRevision(text: string): number {
  if (!/^\d+$/.test(text)) throw badRequest(`invalid resource version: ${notANumber(text)}`);
  return Number(text);
}

/** The first value counts. 0 where the option is absent. @throws StatusError 400 */
function wholeNumber(query: URLSearchParams, name: string): number {
  const text = query.get(name);
  if (text === null) return 0;
  if (!/^[+-]?\d+$/.test(text)) throw badRequest(`strconv.ParseInt: parsing ${JSON.stringify(text)}: invalid syntax`);
  if (Math.abs(Number(text)) >= 2 ** 63) throw badRequest(`strconv.ParseInt: parsing ${JSON.stringify(text)}: value out of range`);
  return Number(text);
}

const tokenText = (token: ContinueToken): string =>
  btoa(JSON.stringify(token)).replaceAll("+", "-").replaceAll("/", "_").replace(/=+$/, "");

function parseToken(text: string): ContinueToken {
  const broken = (why: string): StatusError => badRequest(`invalid continue token: continue key is not valid: ${why}`);
  const illegal = /[^A-Za-z0-9_-]/.exec(text)?.index ?? (text.length % 4 === 1 ? text.length - 1 : undefined);
  if (illegal !== undefined) throw broken(`illegal base64 data at input byte ${illegal}`);
  const decoded = atob(text.replaceAll("-", "+").replaceAll("_", "/"));
  let token: unknown;
  try {
    token = plainValue(parseJson(decoded), decoded);
  } catch (error) {
    throw broken(error instanceof Error ? error.message : String(error));
  }
  const { v, rv, start } = (token ?? {}) as Partial<ContinueToken>;
  if (v !== "meta.k8s.io/v1") throw broken("server does not recognize this encoded version");
  if (typeof rv !== "number" || typeof start !== "string" || start === "") throw broken("encoded start is not valid");
  return { v, rv, start };
}
