/**
 * The chains and jumps that kube-proxy makes sure of before each sync in ipvs mode.
 */
import type { KernelTables } from "../iptables/kernel-tables.ts";
import { writtenRule } from "../iptables/print-rules.ts";
import { type BuiltInJump, comment, jump, type TableName } from "../iptables/rule.ts";

const chains: readonly { table: TableName; chain: string }[] = [
  ...["KUBE-SERVICES", "KUBE-POSTROUTING", "KUBE-NODE-PORT", "KUBE-LOAD-BALANCER", "KUBE-MARK-MASQ"].map(
    (chain) => ({ table: "nat", chain }) as const,
  ),
  ...[
    "KUBE-FORWARD",
    "KUBE-NODE-PORT",
    "KUBE-PROXY-FIREWALL",
    "KUBE-SOURCE-RANGES-FIREWALL",
    "KUBE-IPVS-FILTER",
    "KUBE-IPVS-OUT-FILTER",
  ].map((chain) => ({ table: "filter", chain }) as const),
];

const builtInJump = (table: TableName, from: string, to: string, text: string): BuiltInJump => ({
  table,
  from,
  to,
  rule: { matches: [comment(text)], target: jump(to), origin: { role: "jump", objects: [] } },
});

/** In the order in which they are inserted, each at the top. */
const jumps: readonly BuiltInJump[] = [
  builtInJump("nat", "OUTPUT", "KUBE-SERVICES", "kubernetes service portals"),
  builtInJump("nat", "PREROUTING", "KUBE-SERVICES", "kubernetes service portals"),
  builtInJump("nat", "POSTROUTING", "KUBE-POSTROUTING", "kubernetes postrouting rules"),
  builtInJump("filter", "FORWARD", "KUBE-FORWARD", "kubernetes forwarding rules"),
  builtInJump("filter", "INPUT", "KUBE-NODE-PORT", "kubernetes health check rules"),
  builtInJump("filter", "INPUT", "KUBE-PROXY-FIREWALL", "kube-proxy firewall rules"),
  builtInJump("filter", "FORWARD", "KUBE-PROXY-FIREWALL", "kube-proxy firewall rules"),
  builtInJump("filter", "INPUT", "KUBE-IPVS-FILTER", "kubernetes ipvs access filter"),
  builtInJump("filter", "OUTPUT", "KUBE-IPVS-OUT-FILTER", "kubernetes ipvs access filter"),
];

export function ensureJumps(tables: KernelTables): void {
  for (const { table, chain } of chains) tables.ensureChain(table, chain);
  for (const { table, from, rule } of jumps) {
    const { rules } = tables.ensureChain(table, from);
    if (!rules.includes(rule)) rules.unshift(rule);
  }
}

/** One by one and in order. */
export const printEnsured = (): string =>
  [
    ...chains.map(({ table, chain }) => `ensure-chain -t ${table} ${chain}\n`),
    ...jumps.map(({ table, from, rule }) => `ensure-rule -I -t ${table} ${writtenRule(from, rule).replace(/^-A /, "")}\n`),
  ].join("");
