/** nft 1.0.6, for reading: `list` over the tables of the node as the kernel holds them. */
import { hasOption, readOptions, type Tool, type ToolContext } from "../tool.ts";
import { rulesOfNode } from "./node-rules.ts";

interface Table {
  /** `ip kube-proxy` */
  name: string;
  comment: string | undefined;
  blocks: Block[];
}

interface Block {
  kind: "set" | "map" | "chain";
  name: string;
  lines: string[];
}

/** Tables with their sets, maps and chains, in order. */
export function tablesOf(text: string): Table[] {
  const tables: Table[] = [];
  let block: Block | undefined;
  for (const line of text.split("\n")) {
    const [, table] = /^table (\S+ \S+) \{$/.exec(line) ?? [];
    const [, kind, name] = /^\t(set|map|chain) (\S+) \{$/.exec(line) ?? [];
    const last = tables.at(-1);
    if (table !== undefined) tables.push({ name: table, comment: undefined, blocks: [] });
    else if (kind !== undefined && name !== undefined) {
      block = { kind: kind as Block["kind"], name, lines: [] };
      last?.blocks.push(block);
    } else if (line === "\t}") block = undefined;
    else if (block) block.lines.push(line);
    else if (last && /^\tcomment /.test(line)) last.comment = line;
  }
  return tables;
}

const printed = ({ kind, name, lines }: Block): string => `\t${kind} ${name} {\n${lines.map((line) => `${line}\n`).join("")}\t}\n`;

const wholeTable = ({ name, comment, blocks }: Table): string =>
  `table ${name} {\n${comment === undefined ? "" : `${comment}\n`}${blocks.map(printed).join("\n")}}\n`;

export const nft: Tool = (context) => {
  const options = readOptions(context.argv.slice(1), { short: "asnjcvhf:", long: ["version", "help", "handle", "stateless", "numeric"] });
  if (hasOption(options, "version", "v")) {
    context.out("nftables v1.0.6 (Lester Gooch #5)\n");
    return 0;
  }
  const [command, what, ...rest] = options.operands;
  if (command === undefined) return complain(context, "nft: no command specified\n");
  if (command !== "list") return complain(context, "Error: the rules of an emulated node are kube-proxy's: they are shown, not changed\n");
  const found = rulesOfNode(context, "nftables");
  if (typeof found === "number") return found;
  const tables = found.mode === "nftables" ? tablesOf(found.kernel) : [];
  const words = [command, what, ...rest].join(" ");
  const missing = (word: string): number => {
    const at = words.lastIndexOf(word);
    return complain(context, `Error: No such file or directory\n${words}\n${" ".repeat(at)}${"^".repeat(word.length)}\n`);
  };
  switch (what) {
    case "tables":
      context.out(tables.map(({ name }) => `table ${name}\n`).join(""));
      return 0;
    case "ruleset":
      context.out(tables.map(wholeTable).join("\n"));
      return 0;
    case "chains":
    case "sets":
    case "maps":
      context.out(tables.map((table) => overview(table, what.slice(0, -1) as Block["kind"])).join(""));
      return 0;
    case "table": {
      const [family, name] = rest.length > 1 ? rest : ["ip", rest[0] ?? ""];
      const table = tables.find((each) => each.name === `${family} ${name}`);
      if (!table) return missing(name ?? "");
      context.out(wholeTable(table));
      return 0;
    }
    case "chain":
    case "set":
    case "map": {
      const [family, tableName, name] = rest.length > 2 ? rest : ["ip", rest[0] ?? "", rest[1] ?? ""];
      const table = tables.find((each) => each.name === `${family} ${tableName}`);
      if (!table) return missing(tableName ?? "");
      const block = table.blocks.find((each) => each.kind === what && each.name === name);
      if (!block) return missing(name ?? "");
      context.out(`table ${table.name} {\n${printed(block)}}\n`);
      return 0;
    }
    default:
      return complain(context, `Error: syntax error, unexpected ${what ?? "newline"}\n${words}\n`);
  }
};

/** All of a kind: of chains only their heads, by name. */
function overview({ name, blocks }: Table, kind: Block["kind"]): string {
  const head = (line: string): boolean => /^\t\t(type |comment )/.test(line);
  const those = blocks.filter((block) => block.kind === kind).sort((one, other) => (one.name < other.name ? -1 : 1));
  const shown = those.map((block) => (kind === "chain" ? { ...block, lines: block.lines.filter(head) } : block));
  return `table ${name} {\n${shown.map(printed).join("")}}\n`;
}

function complain({ err }: ToolContext, text: string): number {
  err(text);
  return 1;
}
