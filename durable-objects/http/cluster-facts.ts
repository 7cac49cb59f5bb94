/** What explanations look up in a living cluster, the recent past included. */
import type { Pod } from "../cluster/api/objects.ts";
import type { Cluster } from "../cluster/cluster.ts";
import type { Facts, FormerPod } from "../cluster/explain/facts.ts";
import { addressesOfPod } from "../cluster/network/address-book.ts";

export const factsOf = (cluster: Cluster): Facts => ({
  reader: cluster.reader,
  machines: cluster.kubelet.machines,
  options: cluster.options,
  now: cluster.now(),
  formerPod: (ip) => formerPod(cluster, ip),
});

/** As far back as the store remembers. */
function formerPod({ store }: Cluster, ip: string): FormerPod | undefined {
  const change = store
    .changesSince(store.oldestRevision, "pods")
    .findLast(({ type, object }) => type === "DELETED" && addressesOfPod(object as Pod).includes(ip));
  return change && { pod: change.object as Pod, deletedAt: change.at };
}
