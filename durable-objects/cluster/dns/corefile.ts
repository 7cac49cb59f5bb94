/**
 * Reads the text of a Corefile into server blocks and directives, each with the line it stands on.
 *
 * Only the form: what a directive means is `corefile-plugins.ts`. Errors are worded as the real parser words them.
 *
 * @see https://coredns.io/manual/configuration/
 */

export interface Line {
  /** The first is the name of the directive or property. */
  words: readonly string[];
  line: number;
}

export interface Directive extends Line {
  name: string;
  args: readonly string[];
  /** Lines between its braces; empty without braces. */
  block: readonly Line[];
}

export interface ServerBlock {
  /** `.:53`, `cluster.local`, `dns://example.org:5353` */
  keys: readonly string[];
  line: number;
  directives: readonly Directive[];
}

/** Where the file stands in the pod; errors begin with it. */
export const corefilePath = "/etc/coredns/Corefile";

/** What keeps CoreDNS from starting. `message` is the line it logs. */
export class CorefileError extends Error {
  override readonly name = "CorefileError";
  readonly line: number;

  /** @param plugin whose setup refuses; absent: the parser itself does */
  constructor(line: number, what: string, plugin?: string) {
    super(`${plugin === undefined ? "" : `plugin/${plugin}: `}${corefilePath}:${line} - Error during parsing: ${what}`);
    this.line = line;
  }
}

export const wrongArguments = (line: number, word: string, plugin?: string): CorefileError =>
  new CorefileError(line, `Wrong argument count or unexpected line ending after '${word}'`, plugin);

interface Token {
  text: string;
  line: number;
  quoted: boolean;
}

const limits = { octets: 65_536, imports: 100 } as const;

/** @throws CorefileError where the text has not the form of a Corefile */
export function parseCorefile(text: string): ServerBlock[] {
  if (text.length > limits.octets) throw new CorefileError(1, `more than ${limits.octets} characters are not read`);
  return new Parser(tokensOf(text)).serverBlocks();
}

/** Words are separated by white space; `"` keeps them together, and `#` at the beginning of one starts a comment. */
function tokensOf(text: string): Token[] {
  const tokens: Token[] = [];
  let line = 1;
  const word = /\n|[^\S\n]+|#[^\n]*|"((?:\\"|[^"])*)"|[^\s]+/g;
  for (const [piece, quoted] of text.matchAll(word)) {
    if (quoted !== undefined) tokens.push({ text: quoted.replaceAll('\\"', '"'), line, quoted: true });
    else if (!/^[\s#]/.test(piece)) tokens.push({ text: withoutVariables(piece), line, quoted: false });
    line += piece.split("\n").length - 1;
  }
  return tokens;
}

/** `{$NAME}` and `{%NAME%}` stand for environment variables; CoreDNS pods have none that matter. */
const withoutVariables = (word: string): string => word.replace(/\{\$[^}]*\}|\{%[^}]*%\}/g, "");

class Parser {
  readonly #tokens: readonly Token[];
  readonly #snippets = new Map<string, readonly Directive[]>();
  #at = 0;
  #imports = 0;

  constructor(tokens: readonly Token[]) {
    this.#tokens = tokens;
  }

  serverBlocks(): ServerBlock[] {
    const blocks: ServerBlock[] = [];
    while (this.#at < this.#tokens.length) {
      const { line } = this.#tokens[this.#at]!;
      const keys = this.#keys();
      const braced = this.#takes("{");
      const directives = this.#directives(braced);
      const snippet = /^\((.+)\)$/.exec(keys[0] ?? "")?.[1];
      if (snippet === undefined) blocks.push({ keys, line, directives });
      else this.#snippets.set(snippet, directives);
    }
    return blocks;
  }

  /** The names in front of a block; a comma lets them go on in the next line. */
  #keys(): string[] {
    const keys: string[] = [];
    let line = this.#tokens[this.#at]!.line;
    while (this.#at < this.#tokens.length) {
      const token = this.#tokens[this.#at]!;
      if (isBrace(token, "{") || token.line !== line) break;
      if (isBrace(token, "}")) throw new CorefileError(token.line, "Unexpected '}' because no matching opening brace");
      keys.push(...token.text.split(",").filter((key) => key !== ""));
      this.#at += 1;
      if (token.text.endsWith(",")) line = this.#tokens[this.#at]?.line ?? line;
    }
    return keys;
  }

  /** @param braced false: a file with one block may leave the braces out, which then reaches to the end */
  #directives(braced: boolean): Directive[] {
    const directives: Directive[] = [];
    while (this.#at < this.#tokens.length) {
      if (braced && this.#takes("}")) return directives;
      const directive = this.#directive();
      directives.push(...(directive.name === "import" ? this.#imported(directive) : [directive]));
    }
    if (braced) throw new CorefileError(this.#lastLine(), "Unexpected EOF");
    return directives;
  }

  #directive(): Directive {
    const { words, line } = this.#line();
    const [name = "", ...args] = words;
    const block: Line[] = [];
    if (this.#takes("{")) {
      while (!this.#takes("}")) {
        if (this.#at >= this.#tokens.length) throw new CorefileError(this.#lastLine(), "Unexpected EOF");
        block.push(this.#line());
        this.#skipNested();
      }
    }
    return { name, words, args, line, block };
  }

  /** The words up to a brace or the end of the line, at least one. */
  #line(): Line {
    const first = this.#tokens[this.#at]!;
    if (isBrace(first, "{") || isBrace(first, "}"))
      throw new CorefileError(first.line, `Unexpected token '${first.text}', expecting a directive`);
    const words: string[] = [];
    for (let token: Token | undefined = first; token !== undefined && token.line === first.line; token = this.#tokens[this.#at]) {
      if (isBrace(token, "{") || isBrace(token, "}")) break;
      words.push(token.text);
      this.#at += 1;
    }
    return { words, line: first.line };
  }

  /** Blocks within blocks belong to plugins that are not emulated. */
  #skipNested(): void {
    if (!this.#takes("{")) return;
    for (let depth = 1; depth > 0; this.#at += 1) {
      const token = this.#tokens[this.#at];
      if (token === undefined) throw new CorefileError(this.#lastLine(), "Unexpected EOF");
      if (isBrace(token, "{")) depth += 1;
      if (isBrace(token, "}")) depth -= 1;
    }
  }

  /** Snippets of the same file; patterns that match no file bring nothing, and there are no other files. */
  #imported({ args, line }: Directive): readonly Directive[] {
    const [what] = args;
    if (what === undefined) throw wrongArguments(line, "import");
    this.#imports += 1;
    if (this.#imports > limits.imports) throw new CorefileError(line, "too many imports");
    const snippet = this.#snippets.get(what);
    if (snippet === undefined && !/[*?[]/.test(what)) throw new CorefileError(line, `File to import not found: ${what}`);
    return snippet ?? [];
  }

  #takes(brace: "{" | "}"): boolean {
    const token = this.#tokens[this.#at];
    if (token === undefined || !isBrace(token, brace)) return false;
    this.#at += 1;
    return true;
  }

  #lastLine(): number {
    return this.#tokens.at(-1)?.line ?? 1;
  }
}

const isBrace = ({ text, quoted }: Token, brace: "{" | "}"): boolean => !quoted && text === brace;
