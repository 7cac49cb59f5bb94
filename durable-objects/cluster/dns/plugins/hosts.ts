/**
 * `hosts [ZONES...] { ADDRESS NAME... }`: answers from a table that stands in the Corefile.
 *
 * A name that the table does not have goes on only with `fallthrough`; without, the real one answers SERVFAIL, since it
 * has no SOA to deny with.
 *
 * @see https://coredns.io/plugins/hosts/
 */
import { addressOfReverseName, parseAddress } from "../../api/dns-address.ts";
import type { DnsMessage } from "../../api/dns-message.ts";
import type { DnsRecord } from "../../api/network.ts";
import { CorefileError, type Directive, wrongArguments } from "../corefile.ts";
import { zoneAround, zoneName, zoneNames } from "../zone-name.ts";
import { addressRecords, emptyMessage, type Fallthrough, failed, fallsThrough, type Handler, type Plugin } from "./plugin.ts";

interface HostsTable {
  zones: readonly string[];
  ttl: number;
  fallthrough: Fallthrough;
  /** Name in lower case -> addresses of each family, in the order of the lines. */
  addresses: ReadonlyMap<string, { A: string[]; AAAA: string[] }>;
  /** Address -> names. */
  names: ReadonlyMap<string, string[]>;
}

export const hosts: Plugin = {
  name: "hosts",
  read(directives, serverZone, notEmulated) {
    const [first, second] = directives as [Directive, ...Directive[]];
    if (second !== undefined) throw new CorefileError(second.line, "this plugin can only be used once per Server Block", "hosts");
    const table = tableOf(first, serverZone, notEmulated);
    return (next) => answering(table, next);
  },
};

function tableOf({ args, block }: Directive, serverZone: string, notEmulated: (what: string) => void): HostsTable {
  const [file, ...rest] = args;
  const isFile = file?.includes("/") ?? false;
  if (isFile) notEmulated(`hosts: the file ${file}`);
  const addresses = new Map<string, { A: string[]; AAAA: string[] }>();
  const names = new Map<string, string[]>();
  const zones = zoneNames(isFile ? rest : args, serverZone);
  let [ttl, fallthrough, reverse]: [number, Fallthrough, boolean] = [3600, [], true];
  for (const { words, line } of block) {
    const [property = "", ...values] = words;
    const address = parseAddress(property);
    if (address !== undefined) {
      for (const value of values.map(zoneName)) {
        const known = addresses.get(value) ?? { A: [], AAAA: [] };
        known[address.family === "IPv4" ? "A" : "AAAA"].push(address.text);
        addresses.set(value, known);
        names.set(address.text, [...(names.get(address.text) ?? []), value]);
      }
    } else if (property === "ttl") ttl = ttlOf(values, line);
    else if (property === "fallthrough") fallthrough = zoneNames(values, ".");
    else if (property === "no_reverse") reverse = false;
    else if (property !== "reload") {
      throw new CorefileError(line, `unknown property '${property}'`, "hosts");
    }
  }
  return { zones, ttl, fallthrough, addresses, names: reverse ? names : new Map() };
}

function ttlOf(values: readonly string[], line: number): number {
  const ttl = Number(values[0]);
  if (values.length !== 1) throw wrongArguments(line, "ttl", "hosts");
  if (!Number.isInteger(ttl) || ttl <= 0 || ttl > 65_535) throw new CorefileError(line, "ttl provided is invalid", "hosts");
  return ttl;
}

function answering(table: HostsTable, next: Handler): Handler {
  return (query) => {
    const { question } = query;
    const { name, type } = question;
    if (type === "PTR") {
      const address = addressOfReverseName(name);
      const names = (address && table.names.get(address.text)) ?? [];
      return names.length === 0 ? next(query) : answerOf(addressRecords(name, type, table.ttl, names));
    }
    if (zoneAround(name, table.zones) === undefined) return next(query);
    const known = table.addresses.get(zoneName(name));
    if (known === undefined) return fallsThrough(name, table.fallthrough) ? next(query) : failed(question);
    return answerOf(type === "A" || type === "AAAA" ? addressRecords(name, type, table.ttl, known[type]) : []);

    function answerOf(answer: DnsRecord[]): DnsMessage {
      return { ...emptyMessage(question), aa: true, answer, source: "hosts" };
    }
  };
}
