/**
 * Cells and columns that several kinds share.
 */
import { age } from "../../api/duration.ts";
import { formatLabelSelector, type LabelSelector } from "../../api/label-selector.ts";
import type { KubeObject } from "../../api/objects.ts";
import type { Column } from "../resource-strategy.ts";

export const none = "<none>";

export const nameColumn: Column<KubeObject> = { name: "Name", format: "name", cell: ({ metadata }) => metadata.name };

export const ageColumn: Column<KubeObject> = {
  name: "Age",
  cell: ({ metadata }, { now }) => age(metadata.creationTimestamp, now),
};

/** Labels as `a=b,c=d`, sorted by key. */
export function formatLabels(labels: Record<string, string> | undefined): string {
  const pairs = Object.entries(labels ?? {}).map(([key, value]) => `${key}=${value}`);
  return pairs.length === 0 ? none : pairs.sort().join(",");
}

interface WithTemplate extends KubeObject {
  spec: { selector?: LabelSelector; template: { spec?: { containers: readonly { name: string; image?: string }[] } } };
}

const containersOf = (object: WithTemplate) => object.spec.template?.spec?.containers ?? [];

/** What `-o wide` adds to kinds with a pod template. */
export const templateColumns: readonly Column<WithTemplate>[] = [
  {
    name: "Containers",
    priority: 1,
    cell: (object) =>
      containersOf(object)
        .map(({ name }) => name)
        .join(","),
  },
  {
    name: "Images",
    priority: 1,
    cell: (object) =>
      containersOf(object)
        .map(({ image }) => image ?? "")
        .join(","),
  },
];

export const selectorColumn: Column<WithTemplate> = {
  name: "Selector",
  priority: 1,
  cell: ({ spec }) => formatLabelSelector(spec.selector),
};

/** The first few of a list, and how many more there are. */
export function firstFew(items: readonly string[], max = 3): string {
  const shown = items.slice(0, max).join(",");
  return items.length > max ? `${shown} + ${items.length - max} more...` : shown;
}

/** `10.0.0.1:80`, `[fd00::1]:80` */
export const hostPort = (ip: string, port: number): string => (ip.includes(":") ? `[${ip}]:${port}` : `${ip}:${port}`);
