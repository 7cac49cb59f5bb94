/** GET, list and watch. */
import { fieldSelectorFor } from "../api/field-selector.ts";
import { parseLabelSelector } from "../api/label-selector.ts";
import type { KubeObject } from "../api/objects.ts";
import { StatusError } from "../api/status-error.ts";
import type { ApiResponse, ApiServerParts, Asked, WatchSession } from "./api-server.ts";
import { apiVersionOf } from "./fields/field-knowledge.ts";
import { checkListOptions, listPage, revisionNumber, tooLargeRevision } from "./list-options.ts";
import { isTrue } from "./request-info.ts";
import { type ResourceStrategy, resourceName } from "./resource-strategy.ts";
import { scaleOf } from "./scale.ts";
import { eventFor, type WatchEvent, type WatchScope } from "./watch-hub.ts";

export function get({ resources, store }: ApiServerParts, { request, info, of, namespace, warnings, presenter }: Asked): ApiResponse {
  const wanted = request.query.get("resourceVersion") ?? "";
  if (wanted !== "" && revisionNumber(wanted) > store.revision) throw tooLargeRevision(revisionNumber(wanted), store.revision);
  const object = resources.get(of, namespace, info.name);
  return info.subresource === "scale" ? presenter.plain(200, scaleOf(object), warnings) : presenter.object(200, object, warnings);
}

export function list({ store }: ApiServerParts, { request, info, of, namespace, warnings, presenter }: Asked): ApiResponse {
  checkListOptions(request.query, false);
  const { matches, selective } = selectors(of, request.query, info.name);
  const page = listPage(store, resourceName(of), namespace, request.query, matches, selective);
  const metadata = {
    resourceVersion: page.revision,
    ...(page.continue === undefined ? {} : { continue: page.continue }),
    ...(page.remainingItemCount === undefined ? {} : { remainingItemCount: page.remainingItemCount }),
  };
  return presenter.list(page.objects, metadata, warnings);
}

/** What the selectors of a query let through. @throws StatusError 400 for one that cannot be read */
export function selectors(
  of: ResourceStrategy,
  query: URLSearchParams,
  name: string,
): { matches(object: KubeObject): boolean; selective: boolean } {
  const labelText = query.get("labelSelector") ?? "";
  const fieldText = query.get("fieldSelector") ?? "";
  const byLabel = labelText === "" ? undefined : parseLabelSelector(labelText);
  const byField = fieldText === "" ? undefined : fieldSelectorFor(of, fieldText);
  return {
    selective: byLabel !== undefined || byField !== undefined || name !== "",
    matches: (object) =>
      (byLabel?.(object.metadata.labels ?? {}) ?? true) && (byField?.(object) ?? true) && (name === "" || object.metadata.name === name),
  };
}

export function watch({ store, watches }: ApiServerParts, { request, info, of, namespace, warnings, presenter }: Asked): ApiResponse {
  const { query } = request;
  checkListOptions(query, true);
  const { matches } = selectors(of, query, info.name);
  const scope: WatchScope = { resource: resourceName(of), namespace, matches };
  const wantsBookmarks = isTrue(query.get("allowWatchBookmarks"));
  const sendInitial = isTrue(query.get("sendInitialEvents"));
  const bookmark = (annotations?: Record<string, string>): WatchEvent => presenter.event(bookmarkOf(of, store.revision, annotations));
  const answer = (session: WatchSession): ApiResponse => ({ kind: "watch", session, format: presenter.format, warnings });

  const since = query.get("resourceVersion") ?? "";
  const revision = since === "" ? 0 : revisionNumber(since);
  let initial: WatchEvent[];
  if (revision === 0 || sendInitial) {
    if (revision > store.revision) throw tooLargeRevision(revision, store.revision);
    initial = store
      .list(scope.resource, namespace)
      .filter(matches)
      .map((object) => presenter.event({ type: "ADDED", object }));
    if (sendInitial && wantsBookmarks) initial.push(bookmark({ "k8s.io/initial-events-end": "true" }));
  } else {
    try {
      initial = store.changesSince(revision, scope.resource).flatMap((change) => {
        const event = eventFor(scope, change);
        return event ? [presenter.event(event)] : [];
      });
    } catch (error) {
      if (!(error instanceof StatusError) || error.status.code !== 410) throw error;
      const expired: WatchEvent = { type: "ERROR", object: error.status as unknown as Record<string, unknown> };
      return answer({ initial: [expired], subscribe: () => () => {}, bookmark: undefined, timeoutSeconds: 0 });
    }
  }
  const timeout = Number(query.get("timeoutSeconds") ?? "0");
  return answer({
    initial,
    subscribe: (listener) =>
      watches.subscribe(scope.resource, (changes) => {
        const events = changes.flatMap((change) => {
          const event = eventFor(scope, change);
          return event ? [presenter.event(event)] : [];
        });
        if (events.length > 0) listener(events);
      }),
    bookmark: wantsBookmarks ? () => bookmark() : undefined,
    timeoutSeconds: timeout > 0 ? timeout : undefined,
  });
}

/** An object with nothing in it but how far the stream is. */
const bookmarkOf = (of: ResourceStrategy, revision: number, annotations: Record<string, string> | undefined): WatchEvent => ({
  type: "BOOKMARK",
  object: {
    kind: of.kind,
    apiVersion: apiVersionOf(of),
    metadata: { resourceVersion: String(revision), ...(annotations ? { annotations } : {}) },
  },
});
