/**
 * The operations of an OpenAPI document. Clients look in them for the kind behind a path (`kubectl explain`) and for the
 * parameter `fieldValidation` (`kubectl apply`).
 */

import type { Schema } from "./openapi-schemas.ts";
import type { ApiResource } from "./resources.generated.ts";
import type { ServedVersion } from "./served.ts";

type Parameter = readonly [name: string, type: "string" | "integer" | "boolean"];

const writing: Parameter[] = [
  ["dryRun", "string"],
  ["fieldManager", "string"],
  ["fieldValidation", "string"],
];
const deleting: Parameter[] = [
  ["dryRun", "string"],
  ["gracePeriodSeconds", "integer"],
  ["ignoreStoreReadErrorWithClusterBreakingPotential", "boolean"],
  ["orphanDependents", "boolean"],
  ["propagationPolicy", "string"],
];
const selecting: Parameter[] = [
  ["continue", "string"],
  ["fieldSelector", "string"],
  ["labelSelector", "string"],
  ["limit", "integer"],
  ["resourceVersion", "string"],
  ["resourceVersionMatch", "string"],
  ["sendInitialEvents", "boolean"],
  ["shardSelector", "string"],
  ["timeoutSeconds", "integer"],
];
const listing: Parameter[] = [["allowWatchBookmarks", "boolean"], ...selecting, ["watch", "boolean"]];

const patchTypes = [
  "application/apply-patch+yaml",
  "application/json-patch+json",
  "application/merge-patch+json",
  "application/strategic-merge-patch+json",
];

/** What differs between resources; schemas are references. */
export interface Operand {
  resource: ApiResource;
  gvk: { group: string; version: string; kind: string };
  object: Schema;
  list: Schema;
  /** Which patches the kind takes: custom resources take no strategic ones. */
  custom: boolean;
}

/** How one dialect writes what the operations consist of. */
export interface Writer {
  parameter(name: string, type: string): Schema;
  pathParameter(name: string): Schema;
  /** Members of an operation for its body. */
  body(schema: Schema, mediaTypes: readonly string[], required: boolean): { parameters: Schema[]; members: Schema };
  response(schema: Schema | undefined, streams: boolean): Schema;
  deleteOptions: Schema;
  status: Schema;
  patch: Schema;
}

const capitalized = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1);

/** `rbac.authorization.k8s.io` -> `rbacAuthorization` */
const groupWord = (group: string): string =>
  (group === "" ? "core" : group.replace(/\.k8s\.io$/, ""))
    .split(/[.-]/)
    .map((part, index) => (index === 0 ? part : capitalized(part)))
    .join("");

interface Action {
  method: "get" | "post" | "put" | "patch" | "delete";
  /** First word of the operation id. */
  word: string;
  /** `x-kubernetes-action` */
  action: string;
}

const actions = {
  list: { method: "get", word: "list", action: "list" },
  create: { method: "post", word: "create", action: "post" },
  deletecollection: { method: "delete", word: "delete", action: "deletecollection" },
  get: { method: "get", word: "read", action: "get" },
  update: { method: "put", word: "replace", action: "put" },
  delete: { method: "delete", word: "delete", action: "delete" },
  patch: { method: "patch", word: "patch", action: "patch" },
} as const satisfies Record<string, Action>;

type Verb = keyof typeof actions;

class PathBuilder {
  readonly #version: ServedVersion;
  readonly #writer: Writer;
  constructor(version: ServedVersion, writer: Writer) {
    this.#version = version;
    this.#writer = writer;
  }

  pathsOf(operand: Operand): Record<string, Schema> {
    const { resource } = operand;
    const [plural, subresource] = resource.name.split("/") as [string, string | undefined];
    const base = `/${this.#version.path}`;
    const collection = resource.namespaced ? `${base}/namespaces/{namespace}/${plural}` : `${base}/${plural}`;
    if (subresource !== undefined) {
      return { [`${collection}/{name}/${subresource}`]: this.#path(operand, ["get", "create", "update", "delete", "patch"], "item") };
    }
    const paths: Record<string, Schema> = {
      [collection]: this.#path(operand, ["list", "create", "deletecollection"], "collection"),
      [`${collection}/{name}`]: this.#path(operand, ["get", "update", "delete", "patch"], "item"),
    };
    if (resource.namespaced && resource.verbs.includes("list")) paths[`${base}/${plural}`] = this.#path(operand, ["list"], "everywhere");
    return Object.fromEntries(Object.entries(paths).filter(([, path]) => Object.keys(path).length > 1));
  }

  #path(operand: Operand, verbs: readonly Verb[], scope: "collection" | "item" | "everywhere"): Schema {
    const names = [...(scope === "item" ? ["name"] : []), ...(operand.resource.namespaced && scope !== "everywhere" ? ["namespace"] : [])];
    const operations = verbs
      .filter((verb) => operand.resource.verbs.includes(verb))
      .map((verb) => [actions[verb].method, this.#operation(operand, verb, scope)]);
    return {
      ...Object.fromEntries(operations),
      parameters: [...names.map((name) => this.#writer.pathParameter(name)), this.#writer.parameter("pretty", "string")],
    };
  }

  #operation(operand: Operand, verb: Verb, scope: string): Schema {
    const { word, action } = actions[verb];
    const { parameters, body } = this.#parts(operand, verb);
    const all = [...parameters.map(([name, type]) => this.#writer.parameter(name, type)), ...(body?.parameters ?? [])];
    return {
      tags: [`${groupWord(this.#version.group)}_${this.#version.version}`],
      operationId: this.#operationId(operand, word, verb, scope),
      ...(all.length > 0 && { parameters: all }),
      ...body?.members,
      responses: this.#responses(operand, verb),
      "x-kubernetes-action": action,
      "x-kubernetes-group-version-kind": operand.gvk,
    };
  }

  #operationId({ resource, gvk }: Operand, word: string, verb: Verb, scope: string): string {
    const [, subresource = ""] = resource.name.split("/");
    const version = `${capitalized(groupWord(this.#version.group))}${capitalized(this.#version.version)}`;
    const among = verb === "deletecollection" ? "Collection" : "";
    const namespaced = resource.namespaced && scope !== "everywhere" ? "Namespaced" : "";
    const kind = subresource === "" ? gvk.kind : `${this.#kindOfParent(resource)}${capitalized(subresource)}`;
    return `${word}${version}${among}${namespaced}${kind}${scope === "everywhere" ? "ForAllNamespaces" : ""}`;
  }

  #kindOfParent(resource: ApiResource): string {
    const parent = resource.name.split("/")[0];
    return this.#version.resources.find(({ name }) => name === parent)?.kind ?? resource.kind;
  }

  #parts(operand: Operand, verb: Verb): { parameters: Parameter[]; body?: ReturnType<Writer["body"]> } {
    const writer = this.#writer;
    switch (verb) {
      case "list":
        return { parameters: listing };
      case "get":
        return { parameters: [] };
      case "create":
      case "update":
        return { parameters: writing, body: writer.body(operand.object, ["*/*"], true) };
      case "patch": {
        const types = operand.custom ? patchTypes.filter((type) => !type.includes("strategic")) : patchTypes;
        return { parameters: [...writing, ["force", "boolean"]], body: writer.body(writer.patch, types, true) };
      }
      case "delete":
        return { parameters: deleting, body: writer.body(writer.deleteOptions, ["*/*"], false) };
      case "deletecollection": {
        const parameters = [...selecting, ...deleting].sort(([a], [b]) => (a < b ? -1 : 1));
        return { parameters, body: writer.body(writer.deleteOptions, ["*/*"], false) };
      }
    }
  }

  #responses(operand: Operand, verb: Verb): Schema {
    const codes: Record<Verb, number[]> = {
      list: [200],
      get: [200],
      create: [200, 201, 202],
      update: [200, 201],
      patch: [200, 201],
      delete: [200, 202],
      deletecollection: [200],
    };
    const schema = verb === "list" ? operand.list : verb === "deletecollection" ? this.#writer.status : operand.object;
    const response = this.#writer.response(schema, verb === "list");
    return { ...Object.fromEntries(codes[verb].map((code) => [code, response])), 401: this.#writer.response(undefined, false) };
  }
}

/** All paths of a group version, sorted. */
export function openApiPaths(version: ServedVersion, operands: readonly Operand[], writer: Writer): Record<string, Schema> {
  const builder = new PathBuilder(version, writer);
  const paths = operands.flatMap((operand) => Object.entries(builder.pathsOf(operand)));
  return Object.fromEntries(paths.sort(([a], [b]) => (a < b ? -1 : 1)));
}
