/**
 * Writes rules as text: the way kube-proxy hands them to `iptables-restore`, and the way a kernel prints them back.
 */
import type { Family } from "../rule-set.ts";
import type { KernelTables } from "./kernel-tables.ts";
import type { BuiltInJump, Match, RestoreInput, RestoreLine, Rule, Target } from "./rule.ts";

/** `iptables-restore` input, byte for byte as kube-proxy writes it. */
export const printRestore = (input: RestoreInput): string =>
  input
    .map(({ table, chains, lines }) =>
      [`*${table}`, ...chains.map((chain) => `:${chain} - [0:0]`), ...lines.map(restoreLine), "COMMIT", ""].join("\n"),
    )
    .join("");

const restoreLine = (line: RestoreLine): string => (line.do === "append" ? writtenRule(line.chain, line.rule) : `-X ${line.chain}`);

/** All tables in the spelling of kube-proxy, chains in the order in which they were made. */
export const printState = (tables: KernelTables): string =>
  tables
    .tables()
    .map(({ name, chains }) =>
      [
        `*${name}`,
        ...chains.map((chain) => `:${chain.name} - [0:0]`),
        ...chains.flatMap((chain) => chain.rules.map((rule) => writtenRule(chain.name, rule))),
        "COMMIT",
        "",
      ].join("\n"),
    )
    .join("");

/** What `iptables-save` prints, without its dates: built-in chains first, the others by name. */
export const printKernel = (tables: KernelTables, family: Family): string =>
  tables
    .tables()
    .map(({ name, chains }) => {
      const ordered = kernelOrder(chains);
      return [
        `*${name}`,
        ...ordered.map((chain) => `:${chain.name} ${chain.builtIn ? "ACCEPT" : "-"} [0:0]`),
        ...ordered.flatMap((chain) => chain.rules.map((rule) => kernelRule(chain.name, rule, family))),
        "COMMIT",
        "",
      ].join("\n");
    })
    .join("");

/** Built-in chains in hook order, then the others by name. */
export function kernelOrder<C extends { name: string; builtIn: boolean }>(chains: readonly C[]): C[] {
  const own = chains.filter((chain) => !chain.builtIn).sort((a, b) => (a.name < b.name ? -1 : 1));
  return [...chains.filter((chain) => chain.builtIn), ...own];
}

/** What a full sync makes sure of in the built-in chains, one by one and in order, before it restores anything. */
export const printEnsured = (jumps: readonly BuiltInJump[]): string =>
  jumps
    .map(({ table, from, rule, to }) => {
      const written = writtenRule(from, rule).replace(/^-A /, "");
      return `ensure-chain -t ${table} ${to}\nensure-rule -I -t ${table} ${written}\n`;
    })
    .join("");

/** One rule as kube-proxy writes it: `-A KUBE-SERVICES -m comment --comment ... -j KUBE-SVC-...`. */
export const writtenRule = (chain: string, { matches, target }: Rule): string =>
  ["-A", chain, ...matches.map(writtenMatch), ...(target === undefined ? [] : [writtenTarget(target)])].join(" ");

function writtenMatch(match: Match): string {
  switch (match.match) {
    case "comment":
      return `-m comment --comment ${match.text.includes(" ") ? `"${match.text}"` : match.text}`;
    case "protocol":
      return `-m ${match.protocol} -p ${match.protocol}`;
    case "source":
      return `${not(match)}-s ${match.range}`;
    case "destination":
      return `${not(match)}-d ${match.range}`;
    case "destination-port":
      return `--dport ${match.port}`;
    case "in-interface":
      return `${not(match)}-i ${match.name}`;
    case "address-type":
      return `-m addrtype ${not(match)}--${match.of}-type ${match.type}`;
    case "mark":
      return `-m mark ${not(match)}--mark ${writtenMark(match.mark)}/${writtenMark(match.mark)}`;
    case "state":
      return `-m conntrack ${not(match)}--ctstate ${match.states.join(",")}`;
    case "draw":
      return `-m statistic --mode random --probability ${(1 / match.of).toFixed(10)}`;
    case "recently-seen":
      return `-m recent --name ${match.list} --rcheck --seconds ${match.seconds} --reap`;
    case "remember":
      return `-m recent --name ${match.list} --set`;
    case "counter":
      return `-m nfacct --nfacct-name ${match.name}`;
    case "bare-protocol":
      return `-p ${match.protocol}`;
    case "set":
      return `-m set --match-set ${match.set} ${match.flags}`;
    case "bridged":
      return `-m physdev ${not(match)}--physdev-is-in`;
    case "virtual-server":
      return `-m ipvs --vaddr ${match.ip} --vproto ${match.protocol} --vport ${match.port}`;
    default:
      return match satisfies never;
  }
}

const not = (match: { not?: boolean }): string => (match.not ? "! " : "");

const writtenMark = (mark: number): string => `0x${mark.toString(16).padStart(8, "0")}`;

function writtenTarget(target: Target): string {
  switch (target.target) {
    case "jump":
      return `-j ${target.chain}`;
    case "return":
    case "accept":
    case "drop":
    case "reject":
      return `-j ${target.target.toUpperCase()}`;
    case "dnat":
      return `-j DNAT --to-destination ${socketText(target)}`;
    case "masquerade":
      return `-j MASQUERADE${target.randomFully ? " --random-fully" : ""}`;
    case "mark":
      return `-j MARK --${target.how}-mark ${writtenMark(target.mark)}`;
    default:
      return target satisfies never;
  }
}

const socketText = ({ ip, port }: { ip: string; port: number }): string => (ip.includes(":") ? `[${ip}]:${port}` : `${ip}:${port}`);

/** Addresses, interface and protocol come first, in this order, whatever the order of writing. */
const headOrder = ["source", "destination", "in-interface", "protocol", "bare-protocol"] as const;

/** One rule as a kernel prints it, the line that `/rules` shows and that hops quote. */
export function kernelRule(chain: string, { matches, target }: Rule, family: Family): string {
  const head = headOrder.flatMap((kind) => matches.filter((match) => match.match === kind).map((match) => kernelHead(match, family)));
  const rest = matches.map((match) => kernelMatch(match, family)).filter((text) => text !== "");
  return ["-A", chain, ...head, ...rest, ...(target === undefined ? [] : [kernelTarget(target, family)])].join(" ");
}

function kernelHead(match: Match, family: Family): string {
  if (match.match === "protocol" || match.match === "bare-protocol") return `-p ${match.protocol}`;
  if (match.match === "in-interface") return `${not(match)}-i ${match.name}`;
  if (match.match !== "source" && match.match !== "destination") return "";
  const range = match.range.includes("/") ? match.range : `${match.range}/${family === "IPv4" ? 32 : 128}`;
  return `${not(match)}${match.match === "source" ? "-s" : "-d"} ${range}`;
}

/** What stands behind the head; empty for what stands in the head alone. */
function kernelMatch(match: Match, family: Family): string {
  switch (match.match) {
    case "source":
    case "destination":
    case "in-interface":
    case "bare-protocol":
      return "";
    case "comment":
      return `-m comment --comment "${match.text}"`;
    case "protocol":
      return `-m ${match.protocol}`;
    case "mark":
      return `-m mark ${not(match)}--mark ${kernelMark(match.mark)}/${kernelMark(match.mark)}`;
    case "draw":
      return `-m statistic --mode random --probability ${kernelProbability(match.of)}`;
    case "recently-seen":
      return `-m recent --rcheck --seconds ${match.seconds} --reap --name ${match.list} --mask ${fullMask[family]} --rsource`;
    case "remember":
      return `-m recent --set --name ${match.list} --mask ${fullMask[family]} --rsource`;
    default:
      return writtenMatch(match);
  }
}

const fullMask = { IPv4: "255.255.255.255", IPv6: "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff" } as const;

const kernelMark = (mark: number): string => `0x${mark.toString(16)}`;

/** The bound below which a draw of the kernel has to be, in steps of 2^-31. It comes from the ten decimals of the text. */
export const drawSteps = (of: number): number => Math.round(Number((1 / of).toFixed(10)) * 0x8000_0000);

const kernelProbability = (of: number): string => (drawSteps(of) / 0x8000_0000).toFixed(11);

function kernelTarget(target: Target, family: Family): string {
  if (target.target === "reject")
    return `-j REJECT --reject-with ${family === "IPv4" ? "icmp-port-unreachable" : "icmp6-port-unreachable"}`;
  if (target.target === "mark")
    return `-j MARK --set-xmark ${kernelMark(target.mark)}/${target.how === "or" ? kernelMark(target.mark) : "0x0"}`;
  return writtenTarget(target);
}
