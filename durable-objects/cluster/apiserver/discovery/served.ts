/**
 * What the server serves, as entries of an `APIResourceList`: the built-in entries cut down to what strategies exist for,
 * and entries made up for custom resources.
 */
import { sha256 } from "@noble/hashes/sha2.js";
import { utf8ToBytes } from "@noble/hashes/utils.js";
import type { GroupVersionResource } from "../../api/objects.ts";
import type { ResourceStrategy } from "../resource-strategy.ts";
import { type ApiResource, apiResources, groupOrder } from "./resources.generated.ts";

export interface ServedVersion {
  group: string;
  version: string;
  /** `api/v1`, `apis/apps/v1` */
  path: string;
  resources: readonly ApiResource[];
}

/** What the OpenAPI and discovery documents need of a strategy. */
export type Served = Pick<ResourceStrategy, "group" | "version" | "kind" | "plural" | "singular" | "namespaced" | "subresources"> &
  Partial<Pick<ResourceStrategy, "shortNames" | "categories">>;

export const pathOf = (of: { group: string; version: string }): string =>
  of.group === "" ? `api/${of.version}` : `apis/${of.group}/${of.version}`;

const customVerbs = ["delete", "deletecollection", "get", "list", "patch", "create", "update", "watch"];
const customSubresourceVerbs = ["get", "patch", "update"];

/** The group versions in the server's order: core, the built-in groups, then the others by name. */
export function servedVersions(strategies: readonly Served[], others: readonly GroupVersionResource[] = []): ServedVersion[] {
  const versions = new Map<string, ServedVersion>();
  for (const { group, version } of [...strategies, ...others]) {
    const path = pathOf({ group, version });
    if (!versions.has(path)) versions.set(path, { group, version, path, resources: [] });
  }
  return [...versions.values()]
    .map((version) => ({ ...version, resources: resourcesOf(version, strategies, others) }))
    .sort((a, b) => rankOf(a) - rankOf(b) || compare(a.group, b.group) || compareVersions(a.version, b.version));
}

const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

/** Built-in versions have a fixed place. */
function rankOf({ group, version }: { group: string; version: string }): number {
  if (group === "") return 0;
  const at = groupOrder.findIndex(([name]) => name === group);
  if (at < 0) return Number.MAX_SAFE_INTEGER;
  const versionAt = (groupOrder[at]?.[1] ?? []).indexOf(version);
  return 1 + at * 100 + (versionAt < 0 ? 99 : versionAt);
}

/** Released before beta before alpha, and of each the highest first. */
function compareVersions(a: string, b: string): number {
  const rank = (version: string): number[] => {
    const match = /^v(\d+)(?:(alpha|beta)(\d+))?$/.exec(version);
    if (match === null) return [0, 0, 0];
    return [match[2] === undefined ? 3 : match[2] === "beta" ? 2 : 1, Number(match[1]), Number(match[3] ?? 0)];
  };
  const [left, right] = [rank(a), rank(b)];
  const difference = left.map((part, index) => (right[index] as number) - part).find((part) => part !== 0);
  return difference ?? compare(a, b);
}

function resourcesOf(version: ServedVersion, strategies: readonly Served[], others: readonly GroupVersionResource[]): ApiResource[] {
  const inVersion = (of: { group: string; version: string }) => of.group === version.group && of.version === version.version;
  const builtIn = apiResources[version.path] ?? [];
  const names = new Set(others.filter(inVersion).map(({ resource }) => resource));
  const custom: ApiResource[] = [];
  for (const strategy of strategies.filter(inVersion)) {
    if (!builtIn.some(({ name }) => name === strategy.plural)) custom.push(...customResources(strategy));
    names.add(strategy.plural);
    for (const subresource of strategy.subresources) names.add(`${strategy.plural}/${subresource}`);
  }
  return [...builtIn.filter(({ name }) => names.has(name)), ...custom];
}

function customResources(strategy: Served): ApiResource[] {
  const { group, version, kind, plural, singular, namespaced, shortNames = [], categories = [] } = strategy;
  const main: ApiResource = {
    name: plural,
    singularName: singular,
    namespaced,
    kind,
    verbs: customVerbs,
    ...(shortNames.length > 0 && { shortNames }),
    ...(categories.length > 0 && { categories }),
    storageVersionHash: storageVersionHash(`${group}/${version}/${kind}`),
  };
  const subresources = strategy.subresources.map((subresource) => ({
    name: `${plural}/${subresource}`,
    singularName: "",
    namespaced,
    ...(subresource === "scale" ? { group: "autoscaling", version: "v1", kind: "Scale" } : { kind }),
    verbs: customSubresourceVerbs,
  }));
  return [main, ...subresources];
}

/** The first eight bytes of the hash of `group/version/kind`. */
export const storageVersionHash = (gvk: string): string => btoa(String.fromCharCode(...sha256(utf8ToBytes(gvk)).slice(0, 8)));
