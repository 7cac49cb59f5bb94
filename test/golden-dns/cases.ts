/**
 * `cases.jsonl`: one question each, and the message that the real server sent.
 */
import type { DnsMessage, DnsQuestion } from "../../durable-objects/cluster/api/dns-message.ts";
import { absolute } from "../../durable-objects/cluster/api/domain-names.ts";
import type { DnsRecord } from "../../durable-objects/cluster/api/network.ts";
import { firstDifference } from "./comparison.ts";
import { type CapturedRecord, makeWorld, presented, type World } from "./world.ts";

interface Query {
  name: string;
  type: string;
  class?: string;
}

interface Expected {
  rcode: string;
  aa: boolean;
  tc?: boolean;
  ra?: boolean;
  answer: CapturedRecord[] | null;
  answer_count?: number;
  answer_each?: Record<string, unknown>;
  authority: CapturedRecord[];
  additional: CapturedRecord[] | null;
  additional_count?: number;
  /** Octets of the real message. */
  wire_length?: number;
  opt?: { bufsize: number; version: number; do: boolean; option_bytes?: number };
}

type Then = Expected & { query?: Query; after_ms: number };

export interface Case extends Expected {
  name: string;
  query: Query;
  transport?: "tcp";
  edns?: { bufsize: number; do?: boolean; version?: number; cookie?: string };
  rd?: boolean;
  cd?: boolean;
  upstream?: { name: string; type: string }[];
  then?: Then;
  cache_disabled?: { then?: Partial<Then> };
}

const cookieOption = 10;

/** @returns the first difference in either configuration of the cache, `undefined` where the case matches */
export function compareCase(folder: string, expected: Case): string | undefined {
  return (
    compareIn(makeWorld(folder, { cacheClusterZone: true }), expected, expected.then) ??
    compareIn(
      makeWorld(folder, { cacheClusterZone: false }),
      expected,
      expected.then && { ...expected.then, ...expected.cache_disabled?.then },
    )
  );
}

function compareIn(world: World, expected: Case, then: Then | undefined): string | undefined {
  const question = questionOf(expected, expected.query);
  const message = world.dns.answer(question, { now: world.now, seed: 1 });
  const asked = (expected.upstream ?? []).map(({ name, type }) => `${name} ${type}`);
  return (
    differenceOf(expected, message) ??
    (expected.upstream && firstDifference(asked, world.askedOutside, "upstream")) ??
    (then && differenceAfterwards(world, questionOf(expected, then.query ?? expected.query), then))
  );
}

function differenceAfterwards(world: World, question: DnsQuestion, then: Then): string | undefined {
  const message = world.dns.answer(question, { now: world.now + then.after_ms, seed: 2 });
  const difference = differenceOf(then, message);
  return difference && `then${difference}`;
}

function questionOf({ transport, edns, rd, cd }: Case, { name, type, class: ofClass }: Query): DnsQuestion {
  const options = edns?.cookie === undefined ? [] : [{ code: cookieOption, hex: edns.cookie }];
  return {
    name: absolute(name),
    type,
    transport: transport ?? "udp",
    ...(ofClass === undefined ? {} : { class: ofClass }),
    ...(rd === undefined ? {} : { rd }),
    ...(cd === undefined ? {} : { cd }),
    ...(edns === undefined ? {} : { edns: { bufsize: edns.bufsize, do: edns.do ?? false, version: edns.version ?? 0, options } }),
  };
}

function differenceOf(want: Expected, got: DnsMessage): string | undefined {
  const limit = got.question.transport === "tcp" ? 65_535 : Math.max(512, got.question.edns?.bufsize ?? 0);
  if (got.octets > limit) return `.octets: ${got.octets} exceed ${limit}`;
  return firstDifference(comparableExpectation(want), comparableMessage(want, got));
}

/** Only what the case states: repeated questions leave some header bits out, cut answers the records. */
function comparableExpectation(want: Expected): object {
  return {
    rcode: want.rcode,
    aa: want.aa,
    tc: want.tc,
    ra: want.ra,
    answer: want.answer === null ? { count: want.answer_count, each: want.answer_each } : inOrder(want.answer.map(presented)),
    authority: inOrder(want.authority.map(presented)),
    additional: want.additional === null ? { count: want.additional_count } : inOrder(want.additional.map(presented)),
    opt: want.opt && { ...want.opt, option_bytes: want.opt.option_bytes ?? 0 },
    octets: want.wire_length,
  };
}

function comparableMessage(want: Expected, got: DnsMessage): object {
  const { rcode, aa, tc, ra, answer, authority, additional, edns, octets } = got;
  const common = Object.keys(want.answer_each ?? {});
  const each = Object.fromEntries(common.map((key) => [key, answer[0]?.[key as keyof DnsRecord]]));
  return {
    rcode,
    aa,
    tc: want.tc === undefined ? undefined : tc,
    ra: want.ra === undefined ? undefined : ra,
    answer: want.answer === null ? { count: answer.length, each } : inOrder(answer),
    authority: inOrder(authority),
    additional: want.additional === null ? { count: additional.length } : inOrder(additional),
    opt: edns && {
      bufsize: edns.bufsize,
      version: edns.version,
      do: edns.do,
      option_bytes: edns.options.reduce((sum, { hex }) => sum + 4 + hex.length / 2, 0),
    },
    octets: want.wire_length === undefined ? undefined : octets,
  };
}

/** Aliases first and as they come, the rest as a set; the serial is any. */
function inOrder(records: readonly DnsRecord[]): string[] {
  const lines = records.map(({ name, ttl, type, data }) => `${name} ${ttl} ${type} ${type === "SOA" ? withoutSerial(data) : data}`);
  const aliases = lines.filter((_, index) => records[index]?.type === "CNAME");
  const leading = lines.slice(0, aliases.length).every((line, index) => line === aliases[index]);
  return [...(leading ? aliases : ["(aliases do not come first)"]), ...lines.filter((line) => !aliases.includes(line)).sort()];
}

/** Serials made from the clock; those of other zones are compared. */
const withoutSerial = (data: string): string => data.replace(/^(ns\.dns\.\S+ \S+) (\$SERIAL|[1-9]\d{0,9}) /, "$1 (serial) ");
