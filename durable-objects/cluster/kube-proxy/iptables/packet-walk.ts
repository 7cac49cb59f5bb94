/**
 * A packet in the chains of an emulated kernel: matches, marks, draws, rewriting, and the record of what happened.
 *
 * Knows iptables and nothing about Services. Which hooks the packet passes is for the subclass to say: `walk-rules.ts`
 * for iptables alone, `../ipvs/walk-ipvs.ts` where virtual servers stand between the hooks. The first packet of a
 * connection only, so conntrack state is NEW.
 *
 * A long file on purpose: the walk is one mechanism.
 */
import type { SkippedRule } from "../../api/network.ts";
import { type Cidr, canonicalIP, parseCidr } from "../address.ts";
import type { Draws } from "../draws.ts";
import type { Host } from "../host.ts";
import type { MatchedRule, Outcome, Packet, Walk, WalkOptions } from "../rule-set.ts";
import type { WalkedChain } from "./indexed-tables.ts";
import { drawSteps, kernelRule } from "./print-rules.ts";
import { alone, type Match, type Rule, type TableName, type Target } from "./rule.ts";

/** The bound a draw has to stay below: the kernel counts in steps of 2^-31. */
export function drawBound(of: number): number {
  let bound = bounds.get(of);
  if (bound === undefined) {
    bound = drawSteps(of) / 0x8000_0000;
    bounds.set(of, bound);
  }
  return bound;
}
/** As many as Services have different numbers of endpoints. */
const bounds = new Map<number, number>();

/** The walk's options with somebody to decide its draws. `record: false`: matches are not written down. */
export type DrawnOptions = Omit<WalkOptions, "random"> & { draws: Draws; record?: boolean };

/** Where a walk finds its chains. */
export interface WalkedTables {
  chain(table: TableName, name: string): WalkedChain | undefined;
}

export type Verdict = "accept" | "reject" | "drop";
/** What a chain came to: the caller goes on with its next rule, or the hook is through. */
type Came = "continue" | Verdict;
/** Which tables a packet meets, hook by hook. */
export type Hooks = readonly (readonly [Hook, TableName])[];
export type Hook = "PREROUTING" | "INPUT" | "FORWARD" | "OUTPUT" | "POSTROUTING";

export abstract class PacketWalk {
  readonly #tables: WalkedTables;
  protected readonly host: Host;
  protected readonly packet: Packet;
  protected readonly options: DrawnOptions;
  protected readonly src: string;
  /** As rules write it. */
  protected readonly protocol: string;
  protected readonly matched: MatchedRule[] = [];
  /** False: matches need not be written down. */
  protected readonly records: boolean;
  readonly #unmatched: NonNullable<Walk["unmatched"]> = [];
  protected readonly affinity: Walk["affinity"] = [];
  protected dst: string;
  protected port: number | undefined;
  #mark = 0;
  #rewritten = false;
  #masqueraded = false;
  protected hook: Hook = "PREROUTING";
  protected inInterface: string | undefined;
  /** The draw of the rule being tried, where it has one. */
  #draw: { draw: number; below: number } | undefined;

  constructor(tables: WalkedTables, host: Host, packet: Packet, options: DrawnOptions) {
    this.#tables = tables;
    this.host = host;
    this.packet = packet;
    this.options = options;
    this.records = options.record ?? true;
    this.src = canonicalIP(packet.src);
    this.protocol = packet.protocol.toLowerCase();
    this.dst = canonicalIP(packet.dst);
    this.port = packet.destinationPort;
    this.inInterface = host.inInterface(packet);
  }

  /** The way with everything that was written down. Walks once; a second packet takes a second walk. */
  walk(): Walk {
    const outcome = this.outcome();
    return { ...outcome, matched: this.matched, ...(this.options.detail === "full" ? { unmatched: this.#unmatched } : {}) };
  }

  outcome(): Outcome {
    const verdict = this.packet.origin === "process" ? this.outgoing() : this.incoming();
    const outcome: Outcome = {
      verdict,
      dst: this.dst,
      destinationPort: this.port,
      masqueraded: this.#masqueraded,
      to: this.host.isLocal(this.dst) ? "process" : "interface",
      affinity: verdict === "accept" ? this.affinity : [],
    };
    if (this.port === undefined) delete outcome.destinationPort;
    if (verdict === "reject") outcome.rejectWith = "port-unreachable";
    return outcome;
  }

  /** From a process of the node. */
  protected abstract outgoing(): Verdict;

  /** From an interface. */
  protected abstract incoming(): Verdict;

  /** Whether the packet is in an ip set, by the parts that the rule names: `dst,dst`. Without sets: never. */
  protected inSet(_set: string, _flags: string): boolean {
    return false;
  }

  /** Whether a virtual server of that address has taken the connection. */
  protected throughVirtualServer(_server: { ip: string; protocol: string; port: number }): boolean {
    return false;
  }

  /** The policy of all built-in chains is ACCEPT. */
  protected through(hooks: Hooks): Verdict {
    for (let at = 0; at < hooks.length; at += 1) {
      const [hook, table] = hooks[at]!;
      this.hook = hook;
      const came = this.#chain(table, hook);
      if (came === "reject" || came === "drop") return came;
    }
    return "accept";
  }

  #chain(table: TableName, name: string): Came {
    const chain = this.#tables.chain(table, name);
    if (chain === undefined) throw new Error(`a rule jumps to ${name}, which table ${table} does not have`);
    const everyLine = this.options.detail === "full";
    const index = everyLine ? undefined : chain.index;
    const rules = index === undefined ? chain.rules : index.rulesFor(this.dst, this.port);
    let skipped: SkippedRule[] = [];
    for (let at = 0; at < rules.length; at += 1) {
      const rule = rules[at]!;
      const because = this.#mismatch(rule);
      if (because !== undefined) {
        const told = everyLine || (this.records && because === "draw");
        if (told) skipped.push({ line: index === undefined ? at + 1 : index.lineOf(rule), matched: false, because, ...this.#draw });
        continue;
      }
      if (this.records) {
        this.#note(table, name, index === undefined ? at + 1 : index.lineOf(rule), rule, skipped);
        skipped = [];
      }
      const outcome = this.#follow(table, rule.target);
      if (outcome === "return") return "continue";
      if (outcome !== "continue") return outcome;
    }
    if (everyLine && skipped.length > 0) this.#unmatched.push({ hook: this.hook, table, chain: name, skipped });
    return "continue";
  }

  protected rewrite(ip: string, port: number): void {
    this.dst = canonicalIP(ip);
    this.port = port;
    this.#rewritten = true;
  }

  #follow(table: TableName, target: Target | undefined): Came | "return" {
    switch (target?.target) {
      case undefined:
        return "continue";
      case "jump":
        return this.#chain(table, target.chain);
      case "return":
      case "accept":
      case "drop":
      case "reject":
        return target.target;
      case "mark":
        this.#mark = target.how === "or" ? this.#mark | target.mark : this.#mark ^ target.mark;
        return "continue";
      case "dnat":
        this.rewrite(target.ip, target.port);
        return "accept";
      case "masquerade":
        this.#masqueraded = true;
        return "accept";
      default:
        return target satisfies never;
    }
  }

  #note(table: TableName, chain: string, line: number, rule: Rule, skipped: SkippedRule[]): void {
    const { target, origin } = rule;
    this.matched.push({
      rule: { table, chain, line, text: kernelRule(chain, rule, this.host.family) },
      hook: this.hook,
      role: origin.role,
      objects: origin.objects,
      action: target === undefined ? "none" : target.target,
      ...(target?.target === "jump" ? { to: target.chain } : {}),
      ...(target?.target === "dnat" ? { dnat: { ip: target.ip, port: target.port } } : {}),
      ...this.#draw,
      ...(skipped.length > 0 ? { skipped } : {}),
    });
  }

  /** Why the rule does not match; `undefined` where it does. Conditions are tried in the kernel's order. */
  #mismatch(rule: Rule): string | undefined {
    this.#draw = undefined;
    rule.tried ??= kernelOrderOf(rule);
    const { tried } = rule;
    for (let at = 0; at < tried.length; at += 1) {
      const match = tried[at]!;
      if (match.match === "draw") {
        const draw = this.options.draws.chance(match.of);
        const below = drawBound(match.of);
        if (this.records) this.#draw = { draw, below };
        if (draw >= below) return "draw";
      } else if (!this.#holds(match)) {
        return reasons[match.match];
      }
    }
    return undefined;
  }

  #holds(match: Exclude<Match, { match: "draw" }>): boolean {
    switch (match.match) {
      case "comment":
      case "counter":
        return true;
      case "protocol":
      case "bare-protocol":
        return this.protocol === match.protocol;
      case "source":
        return inRange(match, this.src) !== (match.not ?? false);
      case "destination":
        return inRange(match, this.dst) !== (match.not ?? false);
      case "destination-port":
        return this.port === match.port;
      case "in-interface":
        return interfaceMatches(match.name, this.inInterface) !== (match.not ?? false);
      case "address-type":
        return this.host.isLocal(match.of === "src" ? this.src : this.dst) !== (match.not ?? false);
      case "mark":
        return ((this.#mark & match.mark) === match.mark) !== (match.not ?? false);
      case "state":
        return match.states.some((state) => state === "NEW" || (state === "DNAT" && this.#rewritten)) !== (match.not ?? false);
      case "set":
        return this.inSet(match.set, match.flags);
      case "bridged":
        return false !== (match.not ?? false);
      case "virtual-server":
        return this.throughVirtualServer(match);
      case "recently-seen":
        return this.#seenWithin(match.list, match.seconds);
      case "remember":
        this.affinity.push({ set: match.list, client: this.src });
        return true;
      default:
        return match satisfies never;
    }
  }

  #seenWithin(list: string, seconds: number): boolean {
    const seen = this.options.affinity?.lastSeen(list, this.src);
    return seen !== undefined && this.options.now - seen <= seconds * 1000;
  }
}

/** What `SkippedRule.because` says for a condition that did not hold. */
const reasons: Record<Exclude<Match["match"], "draw">, string> = {
  comment: "comment",
  counter: "counter",
  protocol: "protocol",
  "bare-protocol": "protocol",
  source: "source",
  destination: "destination",
  "destination-port": "port",
  "in-interface": "interface",
  "address-type": "address-type",
  mark: "mark",
  state: "state",
  set: "set",
  bridged: "interface",
  "virtual-server": "virtual-server",
  "recently-seen": "affinity",
  remember: "affinity",
};

/** Addresses, interface and protocol stand in the head of a rule and are looked at before its other matches. */
function kernelOrderOf(rule: Rule): readonly Match[] {
  const rank = (match: Match): number => {
    const at = ["source", "destination", "in-interface", "protocol", "bare-protocol"].indexOf(match.match);
    return at === -1 ? 5 : at;
  };
  const tried = rule.matches.filter((match) => match.match !== "comment").sort((a, b) => rank(a) - rank(b));
  const [only] = tried;
  return only !== undefined && tried.length === 1 ? alone(only) : tried;
}

/** An address stands for itself, in its own spelling. */
function inRange({ range }: Extract<Match, { range: string }>, ip: string): boolean {
  if (range === ip) return true;
  let test = ranges.get(range);
  if (test === undefined) {
    if (!range.includes("/")) return range.includes(":") && canonicalIP(range) === ip;
    test = parseCidr(range)!;
    if (ranges.size >= rangesAtMost) ranges.clear();
    ranges.set(range, test);
  }
  return test.contains(ip);
}
/** Ranges are few; parsing them again and again is what costs. */
const ranges = new Map<string, Cidr>();
const rangesAtMost = 10_000;

const interfaceMatches = (pattern: string, name: string | undefined): boolean =>
  name !== undefined && (pattern.endsWith("+") ? name.startsWith(pattern.slice(0, -1)) : name === pattern);
