/**
 * Writes nftables objects as text: the way kube-proxy hands them to `nft -f -`, and the way nft 1.0.6 lists them.
 */
import type { Family } from "../rule-set.ts";
import { joinedRanges, sortedElements } from "./element-order.ts";
import type { KernelTable } from "./kernel-table.ts";
import type { Command, Element, Hook, KeyPart, NftRule, Part, SetDefinition, Verdict } from "./rule.ts";

/** `ip` or `ip6`, as in table and address expressions. */
export const nftFamily = (family: Family): "ip" | "ip6" => (family === "IPv4" ? "ip" : "ip6");

/** `nft -f -` input, byte for byte as kube-proxy writes it. */
export const printTransaction = (commands: readonly Command[], family: Family): string =>
  commands.map((command) => `${writtenCommand(command, family)}\n`).join("");

/** The whole table as `add` lines: objects by name, then rules in chain order, then elements in the order of insertion. */
export function printState(table: KernelTable, family: Family): string {
  const byName = <T extends { name: string }>(objects: T[]) => objects.sort((a, b) => (a.name < b.name ? -1 : 1));
  const chains = byName(table.chains());
  const of = (kind: SetDefinition["kind"]) =>
    byName(table.sets().flatMap(({ definition }) => (definition.kind === kind ? [definition] : [])));
  const sets = [...of("set"), ...of("map")];
  const commands: Command[] = [
    { do: "add-table" },
    ...chains.map(({ name, hook, comment }): Command => ({ do: "add-chain", chain: name, hook, comment })),
    ...sets.map((set): Command => ({ do: "add-set", set })),
    ...chains.flatMap(({ name, rules }) => rules.map((rule): Command => ({ do: "add-rule", chain: name, rule }))),
    ...sets.flatMap((set) => [...table.set(set.name).elements.values()].map((element): Command => ({ do: "add-element", set, element }))),
  ];
  return printTransaction(commands, family);
}

function writtenCommand(command: Command, family: Family): string {
  const table = `${nftFamily(family)} kube-proxy`;
  switch (command.do) {
    case "add-table":
      return `add table ${table} { comment "rules for kube-proxy" ; }`;
    case "add-chain": {
      const { chain, hook, comment } = command;
      const clauses = [
        ...(hook === undefined ? [] : [`type ${hook.type} hook ${hook.hook} priority ${hook.priority} ;`]),
        ...(comment === undefined ? [] : [`comment "${comment}" ;`]),
      ];
      return `add chain ${table} ${chain}${clauses.length === 0 ? "" : ` { ${clauses.join(" ")} }`}`;
    }
    case "flush-chain":
      return `flush chain ${table} ${command.chain}`;
    case "delete-chain":
      return `delete chain ${table} ${command.chain}`;
    case "add-set":
      return `add ${command.set.kind} ${table} ${command.set.name} { ${setClauses(command.set, family).join(" ")} }`;
    case "flush-set":
      return `flush ${command.set.kind} ${table} ${command.set.name}`;
    case "delete-set":
      return `delete ${command.set.kind} ${table} ${command.set.name}`;
    case "add-rule":
      return `add rule ${table} ${command.chain} ${writtenRule(command.rule, family)}`;
    case "add-element":
      return `add element ${table} ${command.set.name} { ${elementText(command.element)} }`;
    case "delete-element":
      return `delete element ${table} ${command.set.name} { ${command.element.key.join(" . ")} }`;
    default:
      return command satisfies never;
  }
}

function setClauses(set: SetDefinition, family: Family): string[] {
  return [
    `type ${typeText(set, family)} ;`,
    ...(set.timeoutSeconds === undefined ? [] : ["flags dynamic,timeout ;", `timeout ${set.timeoutSeconds}s ;`]),
    ...(set.comment === undefined ? [] : [`comment "${set.comment}" ;`]),
  ];
}

function typeText({ key, kind }: SetDefinition, family: Family): string {
  const types: Record<KeyPart, string> = {
    addr: family === "IPv4" ? "ipv4_addr" : "ipv6_addr",
    proto: "inet_proto",
    service: "inet_service",
  };
  return `${key.map((part) => types[part]).join(" . ")}${kind === "map" ? " : verdict" : ""}`;
}

/** `10.96.0.20 . tcp . 80 comment "shop/cart:http" : goto reject-chain` */
export function elementText({ key, comment, value }: Element): string {
  return [
    key.join(" . "),
    ...(comment === undefined ? [] : [`comment "${comment}"`]),
    ...(value === undefined ? [] : [`: ${verdictText(value)}`]),
  ].join(" ");
}

const verdictText = (verdict: Verdict): string => (verdict.verdict === "goto" ? `goto ${verdict.chain}` : verdict.verdict);

const writtenRule = ({ parts, comment }: NftRule, family: Family): string =>
  [...parts.map((part) => writtenPart(part, family)), ...(comment === undefined ? [] : [`comment "${comment}"`])].join(" ");

function writtenPart(part: Part, family: Family): string {
  const ip = nftFamily(family);
  switch (part.part) {
    case "new":
      return "ct state new";
    case "rewritten":
      return "ct status dnat";
    case "destination-in":
      return `${ip} daddr @${part.set}`;
    case "destination-within":
      return `${ip} daddr { ${part.ranges.join(" , ")} }`;
    case "destination-local":
      return "fib daddr type local";
    case "destination-not":
      return `${ip} daddr != ${part.range}`;
    case "source":
      return `${ip} saddr ${part.not ? "!= " : ""}${part.range}`;
    case "source-outside":
      return `${ip} saddr != { ${part.ranges.join(" , ")} }`;
    case "source-local":
      return "fib saddr type local";
    case "source-in":
      return `${ip} saddr @${part.set}`;
    case "in-interface":
      return `iifname ${part.not ? "!= " : ""}${part.name}`;
    case "marked":
      return `mark and ${markText(part.mark)} != 0`;
    case "protocol":
      return `meta l4proto ${part.protocol}`;
    case "connection-in":
      return `${ip} saddr . ${ip} daddr . meta l4proto . th dport @${part.set}`;
    case "look-up":
      return `${part.by === "destination" ? `${ip} daddr . ` : ""}meta l4proto . th dport vmap @${part.map}`;
    case "jump":
    case "goto":
      return `${part.part} ${part.chain}`;
    case "drop":
    case "reject":
      return part.part;
    case "masquerade":
      return "masquerade fully-random";
    case "set-mark":
      return `mark set mark or ${markText(part.mark)}`;
    case "flip-mark":
      return `mark set mark xor ${markText(part.mark)}`;
    case "remember-source":
      return `update @${part.set} { ${ip} saddr }`;
    case "dnat":
      return `dnat to ${part.ip.includes(":") ? `[${part.ip}]` : part.ip}:${part.port}`;
    case "dnat-to-one-of":
      return `dnat ${ip} addr . port to ${oneOf("map", part.endpoints.map(socketKey), " , ")}`;
    case "goto-one-of":
      return oneOf(
        "vmap",
        part.chains.map((chain) => `goto ${chain}`),
        " , ",
      );
    default:
      return part satisfies never;
  }
}

const markText = (mark: number): string => `0x${mark.toString(16).padStart(8, "0")}`;

const socketKey = ({ ip, port }: { ip: string; port: number }): string => `${ip} . ${port}`;

const oneOf = (kind: "map" | "vmap", values: readonly string[], separator: string): string =>
  `numgen random mod ${values.length} ${kind} { ${values.map((value, at) => `${at} : ${value}`).join(separator)} }`;

/** One rule as `nft list table` prints it, the line that `/rules` shows and that hops quote. */
export const kernelRule = ({ parts, comment }: NftRule, family: Family): string =>
  [...parts.map((part) => kernelPart(part, family)), ...(comment === undefined ? [] : [`comment "${comment}"`])].join(" ");

/** Where nft prints something else than what was written. */
function kernelPart(part: Part, family: Family): string {
  const ip = nftFamily(family);
  switch (part.part) {
    case "destination-within":
      return `${ip} daddr ${rangesText(part.ranges)}`;
    case "source-outside":
      return `${ip} saddr != ${rangesText(part.ranges)}`;
    case "in-interface":
      return `iifname ${part.not ? "!= " : ""}"${part.name}"`;
    case "marked":
      return `meta mark & ${markText(part.mark)} != 0x00000000`;
    case "set-mark":
      return `meta mark set meta mark | ${markText(part.mark)}`;
    case "flip-mark":
      return `meta mark set meta mark ^ ${markText(part.mark)}`;
    case "dnat-to-one-of":
      return `dnat ${ip} to ${oneOf("map", part.endpoints.map(socketKey), ", ")}`;
    case "goto-one-of":
      return oneOf(
        "vmap",
        part.chains.map((chain) => `goto ${chain}`),
        ", ",
      );
    default:
      return writtenPart(part, family);
  }
}

/** An anonymous set of ranges: sorted, neighbours joined, and a single one without braces. */
function rangesText(ranges: readonly string[]): string {
  const joined = joinedRanges(ranges);
  return joined.length === 1 ? joined[0]! : `{ ${joined.join(", ")} }`;
}

/** What `nft list table` prints. */
export function printKernel(table: KernelTable, family: Family): string {
  const sets = table
    .sets()
    .map(({ definition, elements }) =>
      block(`${definition.kind} ${definition.name}`, kernelSet(definition, [...elements.values()], family)),
    );
  const chains = table
    .chains()
    .map(({ name, hook, comment, rules }) =>
      block(`chain ${name}`, [
        ...(comment === undefined ? [] : [`comment "${comment}"`]),
        ...(hook === undefined ? [] : [`type ${hook.type} hook ${hook.hook} priority ${priorityText(hook)}; policy accept;`]),
        ...rules.map((rule) => kernelRule(rule, family)),
      ]),
    );
  return `table ${nftFamily(family)} kube-proxy {\n\tcomment "rules for kube-proxy"\n${[...sets, ...chains].join("\n")}}\n`;
}

const block = (head: string, lines: readonly string[]): string => `\t${head} {\n${lines.map((line) => `\t\t${line}\n`).join("")}\t}\n`;

function kernelSet(set: SetDefinition, elements: readonly Element[], family: Family): string[] {
  return [
    `type ${typeText(set, family)}`,
    ...(set.timeoutSeconds === undefined ? [] : ["size 65535", "flags dynamic,timeout", `timeout ${durationText(set.timeoutSeconds)}`]),
    ...(set.comment === undefined ? [] : [`comment "${set.comment}"`]),
    ...(elements.length === 0 ? [] : [`elements = { ${elementLines(set, elements, family)} }`]),
  ];
}

/** Two IPv4 addresses a line, one of anything else. */
function elementLines(set: SetDefinition, elements: readonly Element[], family: Family): string {
  const perLine = set.key.length === 1 && family === "IPv4" ? 2 : 1;
  const texts = sortedElements(set, elements).map(elementText);
  return texts
    .map((text, at) => (at === texts.length - 1 ? text : `${text}${(at + 1) % perLine === 0 ? ",\n\t\t\t     " : ", "}`))
    .join("");
}

/** 10800 as `3h`, 90 as `1m30s`. */
function durationText(seconds: number): string {
  const units = [
    { unit: "d", seconds: 86400 },
    { unit: "h", seconds: 3600 },
    { unit: "m", seconds: 60 },
    { unit: "s", seconds: 1 },
  ];
  let left = seconds;
  let text = "";
  for (const { unit, seconds: size } of units) {
    const count = Math.floor(left / size);
    left -= count * size;
    if (count > 0) text += `${count}${unit}`;
  }
  return text;
}

/** Priorities with a name of their own at that hook; near ones are printed as a distance. */
function priorityText({ hook, priority }: Hook): string {
  const names = [
    { name: "filter", priority: 0, at: undefined },
    { name: "dstnat", priority: -100, at: "prerouting" },
    { name: "srcnat", priority: 100, at: "postrouting" },
  ];
  const near = names.find((known) => (known.at === undefined || known.at === hook) && Math.abs(priority - known.priority) <= 10);
  if (near === undefined) return String(priority);
  const distance = priority - near.priority;
  return distance === 0 ? near.name : `${near.name} ${distance < 0 ? "-" : "+"} ${Math.abs(distance)}`;
}
