/**
 * iptables 1.8 over nf_tables, for reading: `-L`, `-S`, `-C` and iptables-save, made from the rules of the node as the
 * kernel holds them. Packets are not counted by rule, so every counter shows zero.
 */
import { hasOption, type Options, optionValue, readOptions, type Tool, type ToolContext } from "../tool.ts";
import { rulesOfNode } from "./node-rules.ts";
import { type ListedRule, listedRule } from "./rule-words.ts";

const version = "iptables v1.8.9 (nf_tables)";

export interface SavedChain {
  name: string;
  /** Of a built-in chain. */
  policy: string | undefined;
  /** As iptables-save writes them, from `-A` on. */
  rules: string[];
}

/** Tables as iptables-save prints them. */
export function savedTables(text: string): Map<string, SavedChain[]> {
  const tables = new Map<string, SavedChain[]>();
  let chains: SavedChain[] = [];
  for (const line of text.split("\n")) {
    const [, table] = /^\*(\S+)$/.exec(line) ?? [];
    const [, name, policy] = /^:(\S+) (\S+)/.exec(line) ?? [];
    const [, chain] = /^-A (\S+)/.exec(line) ?? [];
    if (table !== undefined) {
      chains = [];
      tables.set(table, chains);
    } else if (name !== undefined) chains.push({ name, policy: policy === "-" ? undefined : policy, rules: [] });
    else if (chain !== undefined) chains.find((each) => each.name === chain)?.rules.push(line);
  }
  return tables;
}

const builtIn: Readonly<Record<string, readonly string[]>> = {
  mangle: ["PREROUTING", "INPUT", "FORWARD", "OUTPUT", "POSTROUTING"],
  raw: ["PREROUTING", "OUTPUT"],
  security: ["INPUT", "FORWARD", "OUTPUT"],
  filter: ["INPUT", "FORWARD", "OUTPUT"],
  nat: ["PREROUTING", "INPUT", "OUTPUT", "POSTROUTING"],
};

export const iptables: Tool = (context) => {
  const words = spread(context.argv.slice(1));
  const options = readOptions(words, {
    short: "L:S:C:A:D:I:F:Z:N:X:P:t:j:p:s:d:i:o:m:nvxVhw4",
    long: ["line-numbers", "table:", "numeric", "verbose", "exact", "version"],
  });
  if (hasOption(options, "V", "version")) {
    context.out(`${version}\n`);
    return 0;
  }
  const found = rulesOfNode(context, "iptables");
  if (typeof found === "number") return found;
  const table = optionValue(options, "t", "table") ?? "filter";
  const chains = savedTables(found.kernel).get(table) ?? builtIn[table]?.map((name): SavedChain => ({ name, policy: "ACCEPT", rules: [] }));
  if (!chains)
    return complain(context, `${version}: table '${table}' does not exist\nPerhaps iptables or your kernel needs to be upgraded.\n`, 3);
  const asked = optionValue(options, "L") ?? optionValue(options, "S") ?? optionValue(options, "C");
  if (asked === undefined)
    return options.given.length === 0 || options.problem
      ? complain(context, `${version}: no command specified\nTry \`iptables -h' or 'iptables --help' for more information.\n`, 2)
      : complain(context, "iptables: the rules of an emulated node are kube-proxy's: they are shown, not changed.\n", 4);
  const shown = asked === "" ? chains : chains.filter(({ name }) => name === asked);
  if (shown.length === 0)
    return complain(context, `${version}: chain \`${asked}' in table \`${table}' is incompatible, use 'nft' tool.\n`, 1);
  if (hasOption(options, "C"))
    return isThere(shown[0] as SavedChain, words)
      ? 0
      : complain(context, "iptables: Bad rule (does a matching rule exist in that chain?).\n", 1);
  if (hasOption(options, "S")) context.out(specification(shown));
  else context.out(shown.map((chain) => listing(chain, chains, options)).join("\n"));
  return 0;
};

/** `-nvL CHAIN` and a lone `-L`: a command's chain may be left out, which getopt knows nothing of. */
function spread(words: readonly string[]): string[] {
  const single = words.flatMap((word) => (/^-[a-zA-Z]{2,}$/.test(word) ? [...word.slice(1)].map((letter) => `-${letter}`) : [word]));
  return single.flatMap((word, at) => {
    const isCommand = /^-[LSFZ]$/.test(word);
    const next = single[at + 1];
    return isCommand && (next === undefined || next.startsWith("-")) ? [word, ""] : [word];
  });
}

function complain({ err }: ToolContext, text: string, code: number): number {
  err(text);
  return code;
}

const isThere = ({ rules, name }: SavedChain, words: readonly string[]): boolean => {
  const rule = words.slice(words.indexOf(name) + 1).join(" ");
  return rules.some((line) => line === `-A ${name} ${rule}`);
};

const specification = (chains: readonly SavedChain[]): string =>
  [
    ...chains.filter(({ policy }) => policy !== undefined).map(({ name, policy }) => `-P ${name} ${policy}`),
    ...chains.filter(({ policy }) => policy === undefined).map(({ name }) => `-N ${name}`),
    ...chains.flatMap(({ rules }) => rules),
  ]
    .map((line) => `${line}\n`)
    .join("");

/** One chain, with the head of its columns. */
function listing({ name, policy, rules }: SavedChain, all: readonly SavedChain[], options: Options): string {
  const isVerbose = hasOption(options, "v", "verbose");
  const isNumbered = hasOption(options, "line-numbers");
  const references = all.flatMap((chain) => chain.rules).filter((rule) => new RegExp(` -[jg] ${name}( |$)`).test(rule)).length;
  const about = policy === undefined ? `${references} references` : `policy ${policy}${isVerbose ? " 0 packets, 0 bytes" : ""}`;
  const number = isNumbered ? "num  " : "";
  const head = isVerbose
    ? `${number} pkts bytes target     prot opt in     out     source               destination         `
    : `${number}target     prot opt source               destination         `;
  const rows = rules.map((rule, at) => row(listedRule(rule), isVerbose, isNumbered ? `${String(at + 1).padEnd(4)} ` : ""));
  return [`Chain ${name} (${about})`, head, ...rows].map((line) => `${line}\n`).join("");
}

function row(
  { target, protocol, source, destination, inInterface, outInterface, words }: ListedRule,
  isVerbose: boolean,
  number: string,
): string {
  const address = (text: string): string => `${text.startsWith("!") ? text : ` ${text}`}`.padEnd(20);
  const counters = isVerbose ? "    0     0 " : "";
  const interfaces = isVerbose ? ` ${inInterface.padEnd(6)} ${outInterface.padEnd(6)} ` : "";
  const tail = words.map((word) => ` ${word}`).join("");
  return `${number}${counters}${target.padEnd(9)}  ${protocol.padEnd(4)} -- ${interfaces}${address(source)} ${address(destination)} ${tail}`;
}

export const iptablesSave: Tool = (context) => {
  const options = readOptions(context.argv.slice(1), { short: "ct:M:f:V", long: ["counters", "table:"] });
  const found = rulesOfNode(context, "iptables");
  if (typeof found === "number") return found;
  const only = optionValue(options, "t", "table");
  const hasCounters = hasOption(options, "c", "counters");
  const time = new Date(context.now())
    .toUTCString()
    .replace(
      /^(\w+), (\d+) (\w+) (\d+) (\S+) GMT$/,
      (_, day, date, month, year, at) => `${day} ${month} ${String(Number(date)).padStart(2)} ${at} ${year}`,
    );
  for (const [table, chains] of savedTables(found.kernel)) {
    if (only !== undefined && only !== table) continue;
    const lines = [
      `# Generated by iptables-save v1.8.9 (nf_tables) on ${time}`,
      `*${table}`,
      ...chains.map(({ name, policy }) => `:${name} ${policy ?? "-"} [0:0]`),
      ...chains.flatMap(({ rules }) => rules.map((rule) => (hasCounters ? `[0:0] ${rule}` : rule))),
      "COMMIT",
      `# Completed on ${time}`,
    ];
    context.out(lines.map((line) => `${line}\n`).join(""));
  }
  return 0;
};
