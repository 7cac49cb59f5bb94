/**
 * What the DNS tools get from the container they run in, and what they give back. They are functions of it: no tool
 * reaches for the network, a file or the time by itself.
 */
import type { DnsMessage, DnsQuestion } from "../../api/dns-message.ts";
import { isAbsolute, relative } from "../../api/domain-names.ts";
import type { DnsRecord, Resolution } from "../../api/network.ts";
import type { Random } from "../../api/ports.ts";

export interface DnsServer {
  ip: string;
  port: number;
}

/** `refused`: an ICMP message said that nobody listens there; `undefined`: no reply. */
export type DnsReply = DnsMessage | "refused" | undefined;

export interface DnsIO {
  /** Sends one question to one server, past the C library. */
  ask(question: DnsQuestion, server: DnsServer): DnsReply;
  /** What the C library finds: hosts file, search list and all. Without a type: A and AAAA together. */
  resolve(name: string, type?: string): Resolution;
  /** Texts of the container's files. */
  resolvConf: string;
  hosts: string;
  libc: "musl" | "glibc";
  /** Families of the pod's own addresses. */
  families: readonly ("IPv4" | "IPv6")[];
  /** Cluster time in milliseconds. */
  now: number;
  random: Random;
}

export interface Printed {
  stdout: string;
  stderr: string;
  exitCode: number;
}

export const dnsPort = 53;

/** Names of these tools are printed without their final dot. */
export const bare = (name: string): string => relative(name);

/** A name as it goes out: typed with a final dot or not, it is absolute on the wire. */
export const onWire = (name: string): string => (isAbsolute(name) ? name : `${name}.`);

/** The numbers and names that data consists of. */
export const wordsOf = ({ data }: DnsRecord): string[] => data.split(" ");

/** The lines in which both makes of nslookup print an SOA. */
export function soaLines({ name, data }: DnsRecord): string {
  const [origin = "", mailbox = "", ...numbers] = data.split(" ");
  const labels = ["serial", "refresh", "retry", "expire", "minimum"];
  const lines = [
    `origin = ${bare(origin)}`,
    `mail addr = ${bare(mailbox)}`,
    ...numbers.map((number, index) => `${labels[index]} = ${number}`),
  ];
  return `${bare(name)}\n${lines.map((line) => `\t${line}\n`).join("")}`;
}
