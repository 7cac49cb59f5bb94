/**
 * Walks a packet through the nftables table as a kernel would: base chains by hook and priority, sets and verdict maps,
 * marks, draws, rewriting.
 *
 * Knows nftables and nothing about Services. The first packet of a connection only, so conntrack state is NEW.
 *
 * A long file on purpose: the walk is one mechanism.
 */
import type { RuleRef, SkippedRule } from "../../api/network.ts";
import { canonicalIP, parseCidr } from "../address.ts";
import type { Draws } from "../draws.ts";
import type { Host } from "../host.ts";
import type { MatchedRule, Outcome, Packet, Walk, WalkOptions } from "../rule-set.ts";
import { elementLine } from "./element-order.ts";
import type { WalkedTable } from "./indexed-table.ts";
import type { KernelTable, NftChain } from "./kernel-table.ts";
import { elementText, kernelRule, nftFamily } from "./print-rules.ts";
import { type Element, elementKey, type Hook, type NftRule, type Part } from "./rule.ts";

/** The walk's options with somebody to decide its draws. `record: false`: matches are not written down. */
type DrawnOptions = Omit<WalkOptions, "random"> & { draws: Draws; record?: boolean };

type Verdict = "accept" | "reject" | "drop";
/** What a chain came to: the caller goes on, or the base chain is through. */
type Came = "continue" | Verdict;
/** What one rule did: it did not match (`#because` says why), evaluation goes on behind it, the chain is left, or the base chain is through. */
type Step = "no" | "leave" | Came;

/** What is known of a match only when the rule has done its work. */
type Did = Partial<MatchedRule> & Pick<MatchedRule, "action">;
type Note = (did: Did) => void;
const unrecorded: Note = () => {};

/** @param lines the same table as it is listed, to say where an element stands; asked for only when matches are recorded */
export const walkRules = (table: WalkedTable, lines: () => KernelTable, host: Host, packet: Packet, options: DrawnOptions): PacketWalk =>
  new PacketWalk(table, lines, host, packet, options);

type Hooks = readonly Hook["hook"][];
const sent: Hooks = ["output", "postrouting"];
const entered: Hooks = ["prerouting"];
const received: Hooks = ["input"];
const passed: Hooks = ["forward", "postrouting"];

export class PacketWalk {
  readonly #table: WalkedTable;
  readonly #lines: () => KernelTable;
  readonly #records: boolean;
  readonly #host: Host;
  readonly #packet: Packet;
  readonly #options: DrawnOptions;
  readonly #src: string;
  readonly #protocol: string;
  readonly #matched: MatchedRule[] = [];
  readonly #unmatched: NonNullable<Walk["unmatched"]> = [];
  readonly #affinity: Walk["affinity"] = [];
  #dst: string;
  #port: number | undefined;
  #asked: readonly string[] | undefined;
  #askedPort: number | undefined;
  #because = "";
  #mark = 0;
  #rewritten = false;
  #masqueraded = false;
  #hook: Hook["hook"] = "prerouting";
  #inInterface: string | undefined;

  constructor(table: WalkedTable, lines: () => KernelTable, host: Host, packet: Packet, options: DrawnOptions) {
    this.#table = table;
    this.#lines = lines;
    this.#records = options.record ?? true;
    this.#host = host;
    this.#packet = packet;
    this.#options = options;
    this.#src = canonicalIP(packet.src);
    this.#protocol = packet.protocol.toLowerCase();
    this.#dst = canonicalIP(packet.dst);
    this.#port = packet.destinationPort;
    this.#inInterface = host.inInterface(packet);
  }

  /** The way with everything that was written down. Walks once; a second packet takes a second walk. */
  walk(): Walk {
    const outcome = this.outcome();
    return { ...outcome, matched: this.#matched, ...(this.#options.detail === "full" ? { unmatched: this.#unmatched } : {}) };
  }

  outcome(): Outcome {
    const verdict = this.#packet.origin === "process" ? this.#outgoing() : this.#incoming();
    const outcome: Outcome = {
      verdict,
      dst: this.#dst,
      destinationPort: this.#port,
      masqueraded: this.#masqueraded,
      to: this.#host.isLocal(this.#dst) ? "process" : "interface",
      affinity: verdict === "accept" ? this.#affinity : [],
    };
    if (this.#port === undefined) delete outcome.destinationPort;
    if (verdict === "reject") outcome.rejectWith = "port-unreachable";
    return outcome;
  }

  /** From a process: rewritten on the way out; what turns out to be for the node itself comes back in over loopback. */
  #outgoing(): Verdict {
    const out = this.#through(sent);
    if (out !== "accept" || !this.#host.isLocal(this.#dst)) return out;
    this.#inInterface = "lo";
    return this.#through(received);
  }

  /** From an interface: rewritten first, then routed. */
  #incoming(): Verdict {
    const came = this.#through(entered);
    if (came !== "accept") return came;
    return this.#through(this.#host.isLocal(this.#dst) ? received : passed);
  }

  /** The policy of all base chains is accept. */
  #through(hooks: Hooks): Verdict {
    for (const hook of hooks) {
      this.#hook = hook;
      for (const base of this.#table.baseChains(hook)) {
        const outcome = this.#chain(base);
        if (outcome === "reject" || outcome === "drop") return outcome;
      }
    }
    return "accept";
  }

  #chain(chain: NftChain): Came {
    const { rules } = chain;
    let skipped: SkippedRule[] = [];
    for (let at = 0; at < rules.length; at += 1) {
      const rule = rules[at]!;
      const note = this.#records ? this.#note(chain.name, at + 1, rule, skipped) : unrecorded;
      const step = this.#rule(rule, note);
      if (step === "no") {
        if (this.#options.detail === "full") skipped.push({ line: at + 1, matched: false, because: this.#because });
        continue;
      }
      if (this.#records) skipped = [];
      if (step === "leave") return "continue";
      if (step !== "continue") return step;
    }
    if (skipped.length > 0) this.#unmatched.push({ hook: this.#hook.toUpperCase(), table: this.#tableName(), chain: chain.name, skipped });
    return "continue";
  }

  #tableName(): string {
    return `${nftFamily(this.#host.family)} kube-proxy`;
  }

  /** Writes the rule down as matched, once it is known what it does. */
  #note(chain: string, line: number, rule: NftRule, skipped: SkippedRule[]): Note {
    return (did) => {
      this.#matched.push({
        rule: { table: this.#tableName(), chain, line, text: kernelRule(rule, this.#host.family) },
        hook: this.#hook.toUpperCase(),
        role: rule.origin.role,
        objects: rule.origin.objects,
        ...did,
        ...(skipped.length > 0 ? { skipped } : {}),
      });
    };
  }

  /** Works off the parts from left to right; the first condition that fails ends the rule. */
  #rule(rule: NftRule, note: Note): Step {
    let did: Did = { action: "none" };
    for (const part of rule.parts) {
      const because = this.#mismatch(part);
      if (because !== undefined) return this.#no(because);
      switch (part.part) {
        case "set-mark":
          this.#mark |= part.mark;
          did = { action: "mark" };
          break;
        case "flip-mark":
          this.#mark ^= part.mark;
          did = { action: "mark" };
          break;
        case "remember-source":
          this.#affinity.push({ set: part.set, client: this.#src });
          break;
        case "masquerade":
          this.#masqueraded = true;
          note({ action: "masquerade" });
          return "accept";
        case "drop":
        case "reject":
          note({ action: part.part });
          return part.part;
        case "jump":
          note({ action: "jump", to: part.chain });
          return this.#chain(this.#table.chain(part.chain));
        case "goto":
          note({ action: "goto", to: part.chain });
          return this.#goto(part.chain);
        case "look-up":
          return this.#lookUp(part, note);
        case "goto-one-of": {
          const { at, draw } = this.#pick(part.chains.length);
          note({ action: "goto", to: part.chains[at]!, draw });
          return this.#goto(part.chains[at]!);
        }
        case "dnat":
          return this.#dnat(part, note, {});
        case "dnat-to-one-of": {
          const { at, draw } = this.#pick(part.endpoints.length);
          return this.#dnat(part.endpoints[at]!, note, { draw });
        }
        default:
      }
    }
    note(did);
    return "continue";
  }

  #no(because: string): Step {
    this.#because = because;
    return "no";
  }

  /** Nothing behind a `goto` is met any more; the end of its chain is the end of this one. */
  #goto(chain: string): Step {
    const outcome = this.#chain(this.#table.chain(chain));
    return outcome === "continue" ? "leave" : outcome;
  }

  #lookUp(part: Extract<Part, { part: "look-up" }>, note: Note): Step {
    const because = part.by === "destination" ? "destination" : "port";
    if (this.#table.isEmpty(part.map)) return this.#no(because);
    const key = part.by === "destination" ? this.#socket() : [this.#protocol, String(this.#port)];
    const element = this.#table.element(part.map, key);
    if (element === undefined) return this.#no(because);
    const value = element.value!;
    if (this.#records) {
      const { role, objects } = element.origin;
      const to = value.verdict === "goto" ? { to: value.chain } : {};
      note({ action: value.verdict, ...to, role, objects, element: this.#elementRef(part.map, element) });
    }
    return value.verdict === "drop" ? "drop" : this.#goto(value.chain);
  }

  #dnat({ ip, port }: { ip: string; port: number }, note: Note, drawn: { draw?: number }): Step {
    this.#dst = canonicalIP(ip);
    this.#port = port;
    this.#rewritten = true;
    note({ action: "dnat", dnat: { ip, port }, ...drawn });
    return "accept";
  }

  #pick(of: number): { at: number; draw: number } {
    const draw = this.#options.draws.pick(of);
    return { at: Math.floor(draw * of), draw };
  }

  /** The key of the packet's destination; maps are asked for it one after the other. */
  #socket(): readonly string[] {
    if (this.#asked === undefined || this.#asked[0] !== this.#dst || this.#askedPort !== this.#port) {
      this.#asked = [this.#dst, this.#protocol, String(this.#port)];
      this.#askedPort = this.#port;
    }
    return this.#asked;
  }

  /** Where an element stands in the listing of its set. */
  #elementRef(set: string, element: Element): RuleRef {
    const line = elementLine(this.#lines().set(set), elementKey(element));
    return { table: this.#tableName(), chain: set, line, text: elementText(element) };
  }

  /** Which condition does not hold; `undefined` for one that does, and for statements. */
  #mismatch(part: Part): string | undefined {
    switch (part.part) {
      case "new":
        return undefined;
      case "rewritten":
        return this.#rewritten ? undefined : "state";
      case "destination-in":
        return this.#table.element(part.set, [this.#dst]) !== undefined ? undefined : "destination";
      case "destination-within":
        return part.ranges.some((range) => within(range, this.#dst)) ? undefined : "destination";
      case "destination-local":
        return this.#host.isLocal(this.#dst) ? undefined : "destination";
      case "destination-not":
        return within(part.range, this.#dst) ? "destination" : undefined;
      case "source":
        return within(part.range, this.#src) !== (part.not ?? false) ? undefined : "source";
      case "source-outside":
        return part.ranges.some((range) => within(range, this.#src)) ? "source" : undefined;
      case "source-local":
        return this.#host.isLocal(this.#src) ? undefined : "source";
      case "source-in":
        return this.#remembers(part.set) ? undefined : "affinity";
      case "in-interface":
        return interfaceMatches(part.name, this.#inInterface) !== (part.not ?? false) ? undefined : "interface";
      case "marked":
        return (this.#mark & part.mark) !== 0 ? undefined : "mark";
      case "protocol":
        return this.#protocol === part.protocol ? undefined : "protocol";
      case "connection-in":
        return this.#table.isEmpty(part.set) ||
          this.#table.element(part.set, [this.#src, this.#dst, this.#protocol, String(this.#port)]) === undefined
          ? "connection"
          : undefined;
      default:
        return undefined;
    }
  }

  #remembers(set: string): boolean {
    const seen = this.#options.affinity?.lastSeen(set, this.#src);
    return seen !== undefined && this.#options.now - seen < this.#table.definition(set).timeoutSeconds! * 1000;
  }
}

/** Ranges are few; parsing them again and again is what costs. */
const parsed = new Map<string, ReturnType<typeof parseCidr>>();
const parsedAtMost = 10_000;

function within(range: string, ip: string): boolean {
  let cidr = parsed.get(range);
  if (cidr === undefined) {
    cidr = parseCidr(range);
    if (parsed.size >= parsedAtMost) parsed.clear();
    parsed.set(range, cidr);
  }
  return cidr!.contains(ip);
}

const interfaceMatches = (pattern: string, name: string | undefined): boolean =>
  name !== undefined && (pattern.endsWith("*") ? name.startsWith(pattern.slice(0, -1)) : name === pattern);
