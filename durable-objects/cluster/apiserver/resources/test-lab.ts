/**
 * A kind's strategy with nothing around it: what is created and updated here goes through defaults, preparation and
 * validation, and is kept in a map. For tests only; the real way is `resource-store.ts`.
 */
import { invalidObject } from "../../api/field-error.ts";
import type { KubeObject, Service } from "../../api/objects.ts";
import { defaultOptions } from "../../api/sandbox-options.ts";
import { SeededRandom } from "../../api/seeded-random.ts";
import { StatusError } from "../../api/status-error.ts";
import { ClusterIPAllocator } from "../allocators/cluster-ips.ts";
import { NodePortAllocator, type PortRange } from "../allocators/node-ports.ts";
import type { ResourceStrategy, StrategyContext } from "../resource-strategy.ts";

export class StrategyLab {
  readonly objects = new Map<string, KubeObject>();
  readonly context: StrategyContext;

  constructor(ranges: { serviceCIDR?: string; nodePorts?: PortRange } = {}) {
    const list = <T extends KubeObject>(resource: string) =>
      [...this.objects].filter(([key]) => key.startsWith(`${resource}/`)).map(([, object]) => object as T);
    this.context = {
      now: () => Date.parse("2026-01-01T00:00:00Z"),
      random: new SeededRandom(1),
      options: defaultOptions,
      clusterIPs: new ClusterIPAllocator(ranges.serviceCIDR ?? defaultOptions.serviceCIDR),
      nodePorts: new NodePortAllocator(ranges.nodePorts ?? defaultOptions.nodePortRange),
      dryRun: false,
      get: <T extends KubeObject>(resource: string, _namespace: string | undefined, name: string) =>
        this.objects.get(`${resource}/${name}`) as T | undefined,
      list,
      ownedBy: () => [],
      slicesOf: () => [],
    };
  }

  /** @throws StatusError as the strategy or its validation refuses */
  create(of: ResourceStrategy, object: object): KubeObject {
    const next = structuredClone({ apiVersion: of.version, kind: of.kind, ...object }) as KubeObject;
    next.metadata.namespace = "default";
    of.applyDefaults?.(next);
    of.prepareForCreate?.(next, this.context);
    return this.#keep(of, undefined, next, of.validate(next, this.context));
  }

  /** @param change a merge patch of the spec, one level deep; `undefined` removes */
  patch(of: ResourceStrategy, name: string, change: Record<string, unknown>): KubeObject {
    const previous = this.objects.get(`${of.plural}/${name}`) as KubeObject;
    const next = structuredClone(previous);
    next.spec = JSON.parse(JSON.stringify({ ...next.spec, ...change }));
    of.applyDefaults?.(next);
    of.prepareForUpdate?.(next, previous, this.context);
    return this.#keep(of, previous, next, of.validateUpdate?.(next, previous, this.context) ?? []);
  }

  delete(of: ResourceStrategy, name: string): void {
    const key = `${of.plural}/${name}`;
    this.#observe(of, this.objects.get(key), undefined);
    this.objects.delete(key);
  }

  #keep(of: ResourceStrategy, previous: KubeObject | undefined, next: KubeObject, errors: Parameters<typeof invalidObject>[2]): KubeObject {
    if (errors.length > 0) throw invalidObject({ group: of.group, kind: of.kind }, next.metadata.name, errors);
    this.#observe(of, previous, next);
    this.objects.set(`${of.plural}/${next.metadata.name}`, next);
    return next;
  }

  #observe(of: ResourceStrategy, before: KubeObject | undefined, after: KubeObject | undefined): void {
    if (of.kind !== "Service") return;
    const change = { before: before as Service | undefined, after: after as Service | undefined };
    this.context.clusterIPs.observe(change);
    this.context.nodePorts.observe(change);
  }
}

/** The message of the refusal; empty where nothing is refused. */
export function refusal(work: () => unknown): string {
  try {
    work();
    return "";
  } catch (error) {
    if (error instanceof StatusError) return error.status.message ?? "";
    throw error;
  }
}
