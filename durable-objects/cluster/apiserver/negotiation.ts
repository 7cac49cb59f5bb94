/**
 * What the client wants to read: JSON or YAML; the object itself, a Table, or metadata only.
 *
 * @see https://kubernetes.io/docs/reference/using-api/api-concepts/#alternate-representations-of-resources
 */
import { notAcceptable, type StatusError } from "../api/status-error.ts";

export interface Representation {
  format: "json" | "yaml";
  as: "object" | "Table" | "PartialObjectMetadata" | "PartialObjectMetadataList" | "APIGroupDiscoveryList";
}

const accepted = "application/json, application/yaml, application/vnd.kubernetes.protobuf";

/**
 * Picks the first media range of the Accept header that can be served, in the order of the header as client-go writes it.
 *
 * @throws StatusError 406 where none can be
 */
export function negotiate(accept: string | undefined, canBeTable = true): Representation {
  if (accept === undefined || accept.trim() === "") return { format: "json", as: "object" };
  let known = false;
  for (const range of accept.split(",")) {
    const [type = "", ...parameters] = range.split(";").map((part) => part.trim());
    const format = formats.get(type.toLowerCase());
    if (format === undefined) continue;
    known = true;
    const parameter = Object.fromEntries(parameters.map((p) => p.split("=").map((part) => part.trim()) as [string, string]));
    if (parameter.as === undefined) return { format, as: "object" };
    if (canBeTable && isServed(parameter.as, parameter.g, parameter.v)) return { format, as: parameter.as as Representation["as"] };
  }
  throw known ? unservedForm() : unknownMediaTypes();
}

const formats = new Map<string, "json" | "yaml">([
  ["application/json", "json"],
  ["application/yaml", "yaml"],
  ["*/*", "json"],
]);

const isServed = (as: string, group: string | undefined, version: string | undefined): boolean =>
  (as === "Table" && group === "meta.k8s.io" && version === "v1") ||
  (as === "PartialObjectMetadata" && group === "meta.k8s.io" && version === "v1") ||
  (as === "PartialObjectMetadataList" && group === "meta.k8s.io" && version === "v1") ||
  (as === "APIGroupDiscoveryList" && group === "apidiscovery.k8s.io" && version === "v2");

/** JSON or YAML was accepted, but in a form that is not served. */
const unservedForm = (): StatusError => notAcceptable(`only the following media types are accepted: ${accepted}`);

const unknownMediaTypes = (): StatusError => {
  const refusal = notAcceptable(
    `406: Not Acceptable\n\nAvailable representations: ${accepted}, application/json;stream=watch, application/vnd.kubernetes.protobuf;stream=watch`,
  );
  refusal.status.details = {};
  return refusal;
};
