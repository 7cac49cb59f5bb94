/**
 * The kube-proxies of all nodes: one service map for the cluster and family, rules for each node compiled when asked for.
 *
 * Takes drained changes and keeps no API objects beyond what rules need. The emulated kernel always holds what a full
 * sync would have written: delays between syncs are not modelled here.
 */
import type { Change } from "../api/change-tracker.ts";
import type { EndpointSlice, Node, Service } from "../api/objects.ts";
import type { SandboxOptions } from "../api/sandbox-options.ts";
import { type Family, type NodeRules, type ProxyMode, UnsupportedModeError } from "./rule-set.ts";

export interface ProxyChanges {
  services?: Iterable<Change<Service>>;
  endpointSlices?: Iterable<Change<EndpointSlice>>;
  nodes?: Iterable<Change<Node>>;
}

export type KubeProxyOptions = Pick<SandboxOptions, "podCIDR" | "serviceCIDR" | "proxy" | "proxyMode">;

export class KubeProxy {
  readonly #options: KubeProxyOptions;

  constructor(options: KubeProxyOptions) {
    this.#options = options;
  }

  /** Brings the service maps up to date. Rules are compiled when the next one asks for them. */
  apply(_changes: ProxyChanges): void {
    throw new Error("not built yet");
  }

  /** Names of the nodes that exist, in byte order. */
  nodes(): string[] {
    throw new Error("not built yet");
  }

  /**
   * The rules in one node's kernel, as of the last `apply`. The same object until something changes.
   *
   * @param mode default: the cluster's
   * @throws UnsupportedModeError for a mode without a backend; a plain Error for a node that does not exist
   */
  rulesOf(_node: string, _family: Family, mode: ProxyMode = this.#options.proxyMode): NodeRules {
    throw new UnsupportedModeError(mode);
  }
}
