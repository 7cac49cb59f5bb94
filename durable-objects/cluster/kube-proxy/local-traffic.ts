/**
 * How kube-proxy tells the traffic of this node's pods from all other: by source range or by interface.
 */
import type { Node } from "../api/objects.ts";
import { familyOf } from "./address.ts";
import type { ProxyOptions } from "./proxy-options.ts";
import type { Family } from "./rule-set.ts";

/** An interface name with a final `+` stands for every name that begins so. */
export type LocalTraffic = { by: "range"; range: string } | { by: "interface"; name: string };

/** `undefined`: cannot be told, and the rules that need it are left out. */
export function localTraffic(options: ProxyOptions, node: Node | undefined, family: Family): LocalTraffic | undefined {
  const { mode, clusterCIDRs, bridgeInterface, interfaceNamePrefix } = options.detectLocal;
  switch (mode) {
    case "ClusterCIDR":
      return firstRange(clusterCIDRs ?? [], family);
    case "NodeCIDR":
      return firstRange(node?.spec.podCIDRs ?? (node?.spec.podCIDR === undefined ? [] : [node.spec.podCIDR]), family);
    case "BridgeInterface":
      return bridgeInterface === undefined ? undefined : { by: "interface", name: bridgeInterface };
    case "InterfaceNamePrefix":
      return interfaceNamePrefix === undefined ? undefined : { by: "interface", name: `${interfaceNamePrefix}+` };
    case "None":
      return undefined;
    default:
      return mode satisfies never;
  }
}

function firstRange(ranges: readonly string[], family: Family): LocalTraffic | undefined {
  const range = ranges.find((text) => familyOf(text) === family);
  return range === undefined ? undefined : { by: "range", range };
}
