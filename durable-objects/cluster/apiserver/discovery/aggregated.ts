/** Aggregated discovery: one document for all groups, with subresources below their resources. */
import type { ApiResource } from "./resources.generated.ts";
import type { ServedVersion } from "./served.ts";

/** `Accept: application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList` */
export function aggregatedDiscovery(groups: readonly (readonly ServedVersion[])[]): object {
  return {
    kind: "APIGroupDiscoveryList",
    apiVersion: "apidiscovery.k8s.io/v2",
    metadata: {},
    items: groups.map((versions) => ({
      metadata: versions[0]?.group === "" ? {} : { name: versions[0]?.group },
      versions: versions.map(({ version, resources }) => ({ version, resources: nested(resources), freshness: "Current" })),
    })),
  };
}

/** Empty group and version mean those of the document. */
const responseKind = ({ group = "", version = "", kind }: ApiResource) => ({ group, version, kind });

function nested(resources: readonly ApiResource[]): object[] {
  return resources
    .filter(({ name }) => !name.includes("/"))
    .map((resource) => {
      const subresources = resources.filter(({ name }) => name.startsWith(`${resource.name}/`));
      return {
        resource: resource.name,
        responseKind: responseKind(resource),
        scope: resource.namespaced ? "Namespaced" : "Cluster",
        singularResource: resource.singularName,
        verbs: resource.verbs,
        ...(resource.shortNames !== undefined && { shortNames: resource.shortNames }),
        ...(resource.categories !== undefined && { categories: resource.categories }),
        ...(subresources.length > 0 && {
          subresources: subresources.map((subresource) => ({
            subresource: subresource.name.slice(resource.name.length + 1),
            responseKind: responseKind(subresource),
            verbs: subresource.verbs,
          })),
        }),
      };
    });
}
