/**
 * Every kind of the real server that has no strategy of its own: created, read, watched, changed and deleted by its schema
 * alone. Fields, defaults of the schema and metadata are checked; nothing acts on the object, and each write says so.
 */
import type { ApiResource } from "../discovery/resources.generated.ts";
import { apiResources } from "../discovery/resources.generated.ts";
import { storedColumns } from "../printing/stored-cells.ts";
import type { ResourceStrategy, Subresource } from "../resource-strategy.ts";
import { validateBySchema } from "../validation/schema.ts";
import { detailsOf } from "./schema-only-kinds.ts";

const everyVerb = ["create", "delete", "deletecollection", "get", "list", "patch", "update", "watch"];

/** @param others the kinds that are not to be served so */
export function schemaOnlyStrategies(others: readonly ResourceStrategy[]): ResourceStrategy[] {
  const known = new Set(others.map(({ group, version, plural }) => `${group}/${version}/${plural}`));
  return Object.entries(apiResources)
    .flatMap(([path, list]) => list.filter(({ name }) => !name.includes("/")).map((entry) => schemaOnly(path, entry, list)))
    .filter(({ group, version, plural }) => !known.has(`${group}/${version}/${plural}`));
}

function schemaOnly(path: string, entry: ApiResource, list: readonly ApiResource[]): ResourceStrategy {
  const [root, ...parts] = path.split("/") as [string, string, string];
  const [group, version] = root === "api" ? ["", parts[0]] : [parts[0], parts[1] as string];
  const { name: plural, kind } = entry;
  const subresources = list.filter(({ name }) => name.startsWith(`${plural}/`)).map(({ name }) => name.split("/")[1] as Subresource);
  const { prepareForCreate, mistakes, ...details } = detailsOf({ group, version, plural, kind });
  return {
    group,
    version,
    kind,
    plural,
    singular: entry.singularName,
    ...(entry.shortNames !== undefined && { shortNames: entry.shortNames }),
    ...(entry.categories !== undefined && { categories: entry.categories }),
    namespaced: entry.namespaced,
    subresources,
    storedOnly: true,
    ...(everyVerb.some((verb) => !entry.verbs.includes(verb)) && { verbs: entry.verbs }),
    prepareForCreate: (object, context) => {
      if (subresources.includes("status")) delete object.status;
      prepareForCreate?.(object, context);
    },
    validate: (object) => [...validateBySchema({ group, version, kind }, object), ...(mistakes?.(object) ?? [])],
    warnings: () => [`${kind} is stored and has no effect here`],
    columns: storedColumns(`${path}/${plural}`),
    ...details,
  };
}
