/**
 * getent hosts, through the C library: that of glibc asks for IPv6 along the whole search list first; that of Alpine
 * prints the first address only and stops at the first key it does not find.
 */
import { parseAddress } from "../../api/dns-address.ts";
import { parseHostsFile } from "../../api/hosts-file.ts";
import type { Resolution } from "../../api/network.ts";
import { bare, type DnsIO, type Printed } from "./dns-io.ts";

const notFound = 2;

interface HostEntry {
  addresses: readonly string[];
  name: string;
  aliases: readonly string[];
}

export function getent(argv: readonly string[], io: DnsIO): Printed {
  const [, database, ...keys] = argv;
  if (database === undefined) return { stdout: "", stderr: "getent: wrong number of arguments\n", exitCode: 1 };
  const isAhosts = io.libc === "glibc" && /^ahosts(v[46])?$/.test(database);
  if (database !== "hosts" && !isAhosts) return { stdout: "", stderr: `Unknown database: ${database}\n`, exitCode: 1 };
  if (keys.length === 0) return { stdout: database === "hosts" ? wholeFile(io) : "", stderr: "", exitCode: database === "hosts" ? 0 : 1 };
  let stdout = "";
  let exitCode = 0;
  for (const key of keys) {
    const lines = isAhosts ? socketLines(key, familiesOf(database, io), io) : hostLines(key, io);
    stdout += lines ?? "";
    if (lines === undefined) exitCode = notFound;
    if (lines === undefined && io.libc === "musl") break;
  }
  return { stdout, stderr: "", exitCode };
}

const wholeFile = (io: DnsIO): string =>
  parseHostsFile(io.hosts)
    .map(({ ip, names }) => lineOf({ addresses: [ip], name: names[0] ?? "", aliases: names.slice(1) }, io))
    .join("");

function hostLines(key: string, io: DnsIO): string | undefined {
  const entry = parseAddress(key) === undefined ? byName(key, io) : byAddress(key, io);
  return entry && lineOf(entry, io);
}

/** IPv6 before IPv4: the first family that has an address is the answer. */
function byName(key: string, io: DnsIO): HostEntry | undefined {
  for (const type of ["AAAA", "A"]) {
    const found = io.libc === "glibc" ? io.resolve(key, type) : resolvedIntoBuffer(key, type, io);
    if (found.addresses.length > 0) return { addresses: found.addresses, name: found.canonname ?? key, aliases: aliasesOf(key, found, io) };
  }
  return undefined;
}

function byAddress(key: string, io: DnsIO): HostEntry | undefined {
  const own = parseHostsFile(io.hosts).find(({ ip }) => ip === key);
  const names =
    own?.names ??
    io
      .resolve(key, "PTR")
      .answers.filter(({ type }) => type === "PTR")
      .map(({ data }) => bare(data));
  const [name] = names;
  if (name === undefined) return undefined;
  return { addresses: [key], name, aliases: io.libc === "musl" ? [name] : names.slice(1) };
}

/** glibc lists the names that led to the last one; musl repeats that one and adds what was typed. */
function aliasesOf(key: string, { canonname, answers }: Resolution, io: DnsIO): string[] {
  if (io.libc === "glibc") {
    const own = parseHostsFile(io.hosts).find(({ names }) => names.includes(key));
    if (own !== undefined) return own.names.slice(1);
    return answers.filter(({ type }) => type === "CNAME").map(({ name }) => bare(name));
  }
  return canonname === undefined || canonname === key ? [key] : [canonname, key];
}

function lineOf({ addresses, name, aliases }: HostEntry, io: DnsIO): string {
  if (io.libc === "musl") return `${(addresses[0] ?? "").padEnd(16)}  ${name}  ${aliases.join(" ")}\n`;
  return addresses.map((address) => `${[address.padEnd(15), name, ...aliases].join(" ")}\n`).join("");
}

/** musl asks once more where the answer did not fit its buffer, which doubles. Sizes of a 64-bit machine. */
function resolvedIntoBuffer(key: string, type: string, io: DnsIO): Resolution {
  const found = io.resolve(key, type);
  if (found.addresses.length === 0 || found.trace.length === 0) return found;
  const pointer = 8;
  const addressBytes = type === "AAAA" ? 16 : 4;
  const needed =
    4 * pointer + (found.addresses.length + 1) * (pointer + addressBytes) + key.length + 1 + (found.canonname ?? key).length + 1;
  const hostent = 32;
  for (let size = 127; size - hostent < needed; size = 2 * size + 1) io.resolve(key, type);
  return found;
}

const familiesOf = (database: string, { families }: DnsIO): readonly string[] =>
  ({ ahostsv4: ["IPv4"], ahostsv6: ["IPv6"] })[database] ?? families;

/** One line for each kind of socket; only families that the pod has itself are asked for. */
function socketLines(key: string, families: readonly string[], io: DnsIO): string | undefined {
  const [only] = families;
  const type = families.length > 1 ? undefined : only === "IPv6" ? "AAAA" : "A";
  const { addresses, canonname } = io.resolve(key, type);
  if (addresses.length === 0) return undefined;
  return addresses
    .flatMap((address, index) =>
      ["STREAM", "DGRAM", "RAW"].map(
        (kind) => `${address.padEnd(15)} ${kind.padEnd(6)} ${index === 0 && kind === "STREAM" ? (canonname ?? key) : ""}\n`,
      ),
    )
    .join("");
}
