/**
 * Objects as a `Table`, which is what `kubectl get` asks for: columns and cells come from the kind's strategy.
 *
 * @see https://kubernetes.io/docs/reference/using-api/api-concepts/#receiving-resources-as-tables
 */
import type { KubeObject } from "../../api/objects.ts";
import type { ResourceStrategy } from "../resource-strategy.ts";

export interface TableOptions {
  /** What stands beside the cells of a row. */
  includeObject: "None" | "Metadata" | "Object";
  /** Cluster time in milliseconds, for ages. */
  now: number;
  listMetadata: { resourceVersion?: string; continue?: string; remainingItemCount?: number };
}

export interface TableRow {
  cells: unknown[];
  conditions?: readonly RowCondition[];
  object: object | null;
}

interface RowCondition {
  type: string;
  status: string;
  reason: string;
  message: string;
}

export interface Table {
  kind: "Table";
  apiVersion: "meta.k8s.io/v1";
  metadata: object;
  columnDefinitions: { name: string; type: string; format: string; description: string; priority: number }[];
  rows: TableRow[];
}

export const tableFor = (of: ResourceStrategy, objects: readonly KubeObject[], options: TableOptions): Table => ({
  kind: "Table",
  apiVersion: "meta.k8s.io/v1",
  metadata: options.listMetadata,
  columnDefinitions: of.columns.map(({ name, type = "string", format = "", priority = 0 }) => ({
    name,
    type,
    format,
    description: "",
    priority,
  })),
  rows: objects.map((object) => rowFor(of, object, options)),
});

function rowFor(of: ResourceStrategy, object: KubeObject, { includeObject, now }: TableOptions): TableRow {
  const conditions = object.kind === "Pod" ? podRowConditions[object.status?.phase as string] : undefined;
  return {
    cells: of.columns.map((column) => column.cell(object, { now })),
    ...(conditions ? { conditions } : {}),
    object: includeObject === "None" ? null : includeObject === "Object" ? object : partialObjectMetadata(object),
  };
}

/** kubectl once hid finished pods by these; the server still sends them. */
const podRowConditions: Record<string, readonly RowCondition[] | undefined> = {
  Succeeded: [{ type: "Completed", status: "True", reason: "Succeeded", message: "The pod has completed successfully." }],
  Failed: [{ type: "Completed", status: "True", reason: "Failed", message: "The pod failed." }],
};

/** The metadata of an object under a kind of its own. */
export const partialObjectMetadata = (object: KubeObject): KubeObject => ({
  kind: "PartialObjectMetadata",
  apiVersion: "meta.k8s.io/v1",
  metadata: object.metadata,
});
