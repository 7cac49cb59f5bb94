/** The rules of the node that a pod shares its network with; every other pod has a network of its own, without rules. */
import type { ToolContext } from "../tool.ts";

export interface KernelRules {
  mode: "iptables" | "nftables" | "ipvs";
  /** As the kernel's tool prints them; empty where there are none. */
  kernel: string;
}

const program = { iptables: "iptables v1.8.9 (nf_tables)", nftables: "netlink", ipvs: "ipvsadm" };

/** @returns an exit code where the container may not look */
export function rulesOfNode(context: ToolContext, asked: KernelRules["mode"]): KernelRules | number {
  const { pod, container } = context.place;
  const capabilities = container.securityContext?.capabilities?.add ?? [];
  const mayLook = container.securityContext?.privileged === true || capabilities.some((name) => /^(CAP_)?(NET_ADMIN|ALL)$/.test(name));
  if (!mayLook) {
    context.err(
      asked === "iptables"
        ? `${program.iptables}: Could not fetch rule set generation id: Permission denied (you must be root)\n`
        : asked === "nftables"
          ? "Operation not permitted (you must be root)\n"
          : "Can't initialize ipvs: Permission denied (you must be root)\nAre you sure that IP Virtual Server is built in the kernel or as module?\n",
    );
    return asked === "iptables" ? 4 : asked === "nftables" ? 1 : 255;
  }
  const found = pod.spec.hostNetwork ? context.network.rulesOn?.(pod.spec.nodeName ?? "") : undefined;
  return found ?? { mode: asked, kernel: "" };
}
