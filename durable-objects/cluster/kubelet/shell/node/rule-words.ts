/** A rule as iptables-save writes it, in the words and columns of `iptables -L`. */

export interface ListedRule {
  target: string;
  /** A number, as newer versions print it. */
  protocol: string;
  source: string;
  destination: string;
  inInterface: string;
  outInterface: string;
  /** What matches and target say, in order. */
  words: string[];
}

const protocolNumbers: Readonly<Record<string, string>> = { icmp: "1", tcp: "6", udp: "17", sctp: "132", "ipv6-icmp": "58" };

/** @param line from `-A CHAIN` on */
export function listedRule(line: string): ListedRule {
  const reader = new RuleReader(wordsOf(line).slice(2));
  return reader.read();
}

/** Words of a line; quoted ones without their quotes. */
const wordsOf = (line: string): string[] =>
  [...line.matchAll(/"((?:[^"\\]|\\.)*)"|(\S+)/g)].map(([, quoted, plain]) =>
    quoted === undefined ? (plain as string) : quoted.replace(/\\(.)/g, "$1"),
  );

class RuleReader {
  readonly #words: string[];
  readonly #listed: ListedRule = {
    target: "",
    protocol: "0",
    source: "0.0.0.0/0",
    destination: "0.0.0.0/0",
    inInterface: "*",
    outInterface: "*",
    words: [],
  };
  #at = 0;

  constructor(words: string[]) {
    this.#words = words;
  }

  read(): ListedRule {
    while (this.#at < this.#words.length) this.#readOne();
    return this.#listed;
  }

  #next(): string {
    const word = this.#words[this.#at] ?? "";
    this.#at += 1;
    return word;
  }

  #isNext(word: string): boolean {
    if (this.#words[this.#at] !== word) return false;
    this.#at += 1;
    return true;
  }

  #readOne(): void {
    const not = this.#isNext("!") ? "!" : "";
    const word = this.#next();
    const listed = this.#listed;
    switch (word) {
      case "-p": {
        const name = this.#next();
        listed.protocol = `${not}${protocolNumbers[name] ?? name}`;
        return;
      }
      case "-s":
        listed.source = `${not}${address(this.#next())}`;
        return;
      case "-d":
        listed.destination = `${not}${address(this.#next())}`;
        return;
      case "-i":
        listed.inInterface = `${not}${this.#next()}`;
        return;
      case "-o":
        listed.outInterface = `${not}${this.#next()}`;
        return;
      case "-m":
        this.#match(this.#next());
        return;
      case "-j":
      case "-g":
        this.#target(this.#next(), word === "-g");
        return;
      default:
        listed.words.push(word);
    }
  }

  /** The options of one match: up to the next `-m`, `-j` or `-g`. */
  #options(): { not: string; name: string; values: string[] }[] {
    const found: { not: string; name: string; values: string[] }[] = [];
    for (;;) {
      const ahead = this.#words[this.#at] === "!" ? this.#words[this.#at + 1] : this.#words[this.#at];
      if (ahead === undefined || !ahead.startsWith("--")) return found;
      const not = this.#isNext("!") ? "! " : "";
      const name = this.#next();
      const values: string[] = [];
      while (this.#at < this.#words.length && !/^(-|!$)/.test(this.#words[this.#at] as string)) values.push(this.#next());
      found.push({ not, name, values });
    }
  }

  #match(kind: string): void {
    const options = this.#options();
    const value = (name: string): string | undefined => options.find((option) => option.name === name)?.values[0];
    const not = options[0]?.not ?? "";
    const say = (text: string): void => void this.#listed.words.push(text);
    switch (kind) {
      case "comment":
        say(`/* ${value("--comment")} */`);
        return;
      case "tcp":
      case "udp":
      case "sctp": {
        const ports = options.map(({ not: isNot, name, values }) => ` ${name === "--dport" ? "dpt" : "spt"}:${isNot.trim()}${values[0]}`);
        say(`${kind}${ports.join("")}`);
        return;
      }
      case "conntrack":
        say(`${not}ctstate ${value("--ctstate")}`);
        return;
      case "mark":
        say(`mark match ${not}${value("--mark")}`);
        return;
      case "addrtype":
        say(`ADDRTYPE match${options.map(({ not: isNot, name, values }) => ` ${name.slice(2)} ${isNot.trim()}${values[0]}`).join("")}`);
        return;
      case "statistic":
        say(`statistic mode ${value("--mode")} probability ${value("--probability")}`);
        return;
      case "set":
        say(`${not}match-set ${(options[0]?.values ?? []).join(" ")}`);
        return;
      case "recent": {
        const isSet = options.some(({ name }) => name === "--set");
        const limits = `${value("--seconds") === undefined ? "" : ` seconds: ${value("--seconds")}`}${options.some(({ name }) => name === "--reap") ? " reap" : ""}`;
        say(`recent: ${isSet ? "SET" : "CHECK"}${limits} name: ${value("--name")} side: source mask: ${value("--mask")}`);
        return;
      }
      default:
        say([kind, ...options.flatMap(({ not: isNot, name, values }) => [`${isNot}${name.slice(2)}`, ...values])].join(" "));
    }
  }

  #target(name: string, isGoto: boolean): void {
    this.#listed.target = name;
    const options = this.#options();
    const value = (option: string): string | undefined => options.find((each) => each.name === option)?.values[0];
    const say = (text: string): void => void this.#listed.words.push(text);
    if (isGoto) say("[goto] ");
    const mark = value("--set-xmark")?.split("/");
    if (mark) say(mark[1] === "0x0" ? `MARK xor ${mark[0]}` : mark[0] === mark[1] ? `MARK or ${mark[0]}` : `MARK set ${mark[0]}`);
    if (value("--to-destination") !== undefined) say(`to:${value("--to-destination")}`);
    if (options.some((each) => each.name === "--random-fully")) say("random-fully");
    if (value("--reject-with") !== undefined) say(`reject-with ${value("--reject-with")}`);
  }
}

/** A single address is written without its length. */
const address = (text: string): string => text.replace(/\/(32|128)$/, "");
