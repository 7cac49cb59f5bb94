/** A manifest applied from inside: the YAML a sandbox is born with. */
import { parseAllDocuments } from "yaml";
import { badRequest, StatusError } from "./api/status-error.ts";
import type { Cluster } from "./cluster.ts";

/**
 * Creates the objects of a manifest of one or more documents (or a `List`), in order.
 *
 * @throws StatusError the first refusal, as the API words it; what came before it stays, the caller drops the cluster
 */
export function applyManifest(cluster: Cluster, text: string): void {
  for (const document of parseAllDocuments(text, { version: "1.1", maxAliasCount: 100 } as never)) {
    const [error] = document.errors;
    if (error) throw badRequest(`manifest: ${error.message}`);
    const value = document.toJS({ maxAliasCount: 100 }) as Manifest | null;
    if (value === null || value === undefined) continue;
    for (const object of value.kind === "List" ? (value.items ?? []) : [value]) createObject(cluster, object);
  }
}

interface Manifest {
  apiVersion?: string;
  kind?: string;
  metadata?: { name?: string; namespace?: string };
  items?: Manifest[];
}

function createObject(cluster: Cluster, object: Manifest): void {
  const path = cluster.collectionPath(object.apiVersion ?? "", object.kind ?? "", object.metadata?.namespace ?? "default");
  if (path === undefined)
    throw badRequest(`no matches for kind ${JSON.stringify(object.kind ?? "")} in version ${JSON.stringify(object.apiVersion ?? "")}`);
  const response = cluster.handle({
    method: "POST",
    path,
    query: new URLSearchParams({ fieldValidation: "Strict", fieldManager: "kubearium" }),
    contentType: "application/json",
    body: new TextEncoder().encode(JSON.stringify(object)),
    principal: { user: "system:admin", groups: ["system:masters"], via: "internal" },
    serverAddress: "",
  });
  if (response.kind === "object" && response.code >= 400) throw new StatusError(response.body as StatusError["status"]);
}
