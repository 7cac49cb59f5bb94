/**
 * What `POST /sandboxes` takes, checked field by field and against each other, and turned into `SandboxOptions`.
 *
 * Unknown fields are refused, and so is what no cluster here can be: IPv6 alone, scenarios.
 */
import ipaddr from "ipaddr.js";
import { z } from "zod";
import { defaultOptions, type SandboxOptions } from "../durable-objects/cluster/api/sandbox-options.ts";
import { maximumNodes } from "../durable-objects/http/limits.ts";
import { defaultTTLSeconds, maximumLifeSeconds, minimumTTLSeconds } from "../durable-objects/http/sandbox-record.ts";

const dnsLabel = /^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/;
const dnsName = /^(?=.{1,253}$)[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/;

const ipv4 = z.string().refine((text) => ipaddr.IPv4.isValidFourPartDecimal(text), "must be an IPv4 address such as 192.168.10.11");
const cidr4 = z.string().refine(isNetwork, "must be an IPv4 range that begins at its first address, such as 10.244.0.0/16");

const nodeBody = z.strictObject({
  name: z.string().regex(dnsLabel, "must be a DNS label: lower-case letters, digits, hyphens"),
  ip: ipv4.optional().describe("Default: the next free one from 192.168.10.11."),
  zone: z.string().regex(dnsLabel, "must be a DNS label").optional(),
});

const proxyBody = z
  .strictObject({
    masqueradeAll: z.boolean(),
    masqueradeBit: z.number().int().min(0).max(31),
    nodePortAddresses: z.array(z.string().refine((text) => text === "primary" || isNetwork(text), "must be a range, or `primary`")),
    localhostNodePorts: z.boolean(),
    randomFully: z.boolean(),
    nfacct: z.boolean(),
    conntrackTCPBeLiberal: z.boolean(),
    ipvsScheduler: z.enum(["rr", "wrr", "lc", "wlc", "lblc", "lblcr", "sh", "dh", "sed", "nq", "mh"]),
    ipvsExcludeCIDRs: z.array(cidr4),
  })
  .partial();

const duration = /^(\d+(?:\.\d+)?)(ms|s|m)$/;

export const createBody = z
  .strictObject({
    name: z.string().min(1).max(100).optional().describe("What people call it."),
    nodes: z
      .union([z.number().int().min(1).max(maximumNodes), z.array(nodeBody).min(1).max(maximumNodes)])
      .optional()
      .describe("How many, or a list with names, addresses and zones. Default: node-1 and node-2."),
    podCIDR: cidr4.default(defaultOptions.podCIDR).describe("Each node gets the next /24 of it, in order."),
    serviceCIDR: cidr4.default(defaultOptions.serviceCIDR).describe("/12 to /28."),
    clusterDNS: ipv4.optional().describe("Default: the tenth address of the service range."),
    clusterDomain: z.string().regex(dnsName, "must be a DNS name without a final dot").default(defaultOptions.clusterDomain),
    nodePortRange: z
      .string()
      .regex(/^\d{1,5}-\d{1,5}$/, "must be such as 30000-32767")
      .default(`${defaultOptions.nodePortRange.from}-${defaultOptions.nodePortRange.to}`),
    ipFamilies: z
      .union([z.tuple([z.literal("IPv4")]), z.tuple([z.literal("IPv4"), z.literal("IPv6")])], 'must be ["IPv4"] or ["IPv4", "IPv6"]')
      .default(["IPv4"])
      .describe("With IPv6 pods get an address of each family, and Services by their ipFamilyPolicy."),
    proxyMode: z.enum(["iptables", "nftables", "ipvs"]).default(defaultOptions.proxyMode),
    proxy: proxyBody.default({}).describe("Options of kube-proxy, named as in its configuration."),
    loadBalancer: z
      .enum(["cloud", "local", "none"])
      .default(defaultOptions.loadBalancer)
      .describe("cloud: an address each; local: one address, ports shared; none: stays pending."),
    startDelay: z
      .union([z.number().min(0).max(600_000), z.string().regex(duration, "must be milliseconds, or such as 400ms or 2s")])
      .default(defaultOptions.startDelayMs)
      .describe("From a pod's binding to Ready: milliseconds, or such as 400ms or 2s."),
    ttlSeconds: z
      .number()
      .int()
      .min(minimumTTLSeconds)
      .max(maximumLifeSeconds)
      .default(defaultTTLSeconds)
      .describe("The sandbox ends so long after its last use."),
    seed: z
      .number()
      .int()
      .min(0)
      .max(Number.MAX_SAFE_INTEGER)
      .optional()
      .describe("The same seed and the same commands give the same cluster."),
    manifest: z.string().optional().describe("YAML applied at birth."),
  })
  .superRefine((body, context) => {
    for (const { path, message } of contradictions(body)) context.addIssue({ code: "custom", path, message });
  });

/** Where pods and Services have their IPv6 addresses; each node gets a /64 of the former. */
const podRange6 = "fd00:10:244::/56";
const serviceRange6 = "fd00:10:96::/112";

const inFamilies = ({ ipFamilies }: Pick<CreateBody, "ipFamilies">, range4: string, range6: string): string =>
  ipFamilies.length > 1 ? `${range4},${range6}` : range4;

export type CreateBody = z.infer<typeof createBody>;

/** @param seed for a sandbox that asks for none */
export function sandboxOptions(body: CreateBody, seed: number): SandboxOptions {
  const [from, to] = body.nodePortRange.split("-").map(Number) as [number, number];
  return {
    ...(body.name === undefined ? {} : { name: body.name }),
    nodes: nodesOf(body.nodes),
    podCIDR: inFamilies(body, body.podCIDR, podRange6),
    serviceCIDR: inFamilies(body, body.serviceCIDR, serviceRange6),
    clusterDNS: body.clusterDNS ?? addressIn(body.serviceCIDR, 10),
    clusterDomain: body.clusterDomain,
    nodePortRange: { from, to },
    ipFamilies: body.ipFamilies,
    proxyMode: body.proxyMode,
    proxy: body.proxy,
    loadBalancer: body.loadBalancer,
    startDelayMs: milliseconds(body.startDelay),
    seed: body.seed ?? seed,
    ...(body.manifest === undefined ? {} : { manifest: body.manifest }),
  };
}

/** Nodes without an address take the free ones from 192.168.10.11 on, in order. */
function nodesOf(asked: CreateBody["nodes"]): SandboxOptions["nodes"] {
  const list = typeof asked === "number" ? Array.from({ length: asked }, (_, i) => ({ name: `node-${i + 1}` })) : asked;
  if (list === undefined) return defaultOptions.nodes;
  const taken = new Set(list.map((node: z.infer<typeof nodeBody>) => node.ip));
  let last = 10;
  return list.map(({ name, ip, zone }: z.infer<typeof nodeBody>) => {
    let address = ip;
    while (address === undefined) {
      const next = `192.168.10.${++last}`;
      if (!taken.has(next)) address = next;
    }
    return { name, ip: address, ...(zone === undefined ? {} : { zone }) };
  });
}

interface Contradiction {
  path: string[];
  message: string;
}

function contradictions(body: Omit<CreateBody, never>): Contradiction[] {
  const found: Contradiction[] = [];
  const refuse = (field: string, message: string) => found.push({ path: [field], message });
  const nodes = nodesOf(body.nodes);
  const podPrefix = prefixOf(body.podCIDR);
  const servicePrefix = prefixOf(body.serviceCIDR);

  if (new Set(nodes.map((node) => node.name)).size < nodes.length) refuse("nodes", "names must differ");
  if (new Set(nodes.map((node) => node.ip)).size < nodes.length) refuse("nodes", "addresses must differ");
  if (podPrefix < 8 || podPrefix > 24) refuse("podCIDR", "must be a /8 to /24, because each node gets a /24");
  else if (2 ** (24 - podPrefix) < nodes.length) refuse("podCIDR", `has no /24 for each of ${nodes.length} nodes`);
  if (servicePrefix < 12 || servicePrefix > 28) refuse("serviceCIDR", "must be a /12 to /28");
  if (overlap(body.podCIDR, body.serviceCIDR)) refuse("serviceCIDR", "must not overlap podCIDR");
  for (const { name, ip } of nodes) {
    if (contains(body.podCIDR, ip) || contains(body.serviceCIDR, ip))
      refuse("nodes", `${name}: ${ip} lies in the pod or the service range`);
  }
  if (body.clusterDNS !== undefined && !contains(body.serviceCIDR, body.clusterDNS)) refuse("clusterDNS", "must lie in serviceCIDR");
  if (body.clusterDNS === addressIn(body.serviceCIDR, 1)) refuse("clusterDNS", "is the address of the Service `kubernetes`");
  const [from, to] = body.nodePortRange.split("-").map(Number) as [number, number];
  if (from < 1 || to > 65535 || from > to) refuse("nodePortRange", "must lie in 1-65535, the smaller port first");
  return found;
}

function milliseconds(of: number | string): number {
  if (typeof of === "number") return of;
  const [, amount, unit] = duration.exec(of)!;
  return Number(amount) * { ms: 1, s: 1000, m: 60_000 }[unit as "ms" | "s" | "m"];
}

function isNetwork(text: string): boolean {
  if (!ipaddr.IPv4.isValidCIDR(text)) return false;
  return ipaddr.IPv4.networkAddressFromCIDR(text).toString() === text.split("/")[0];
}

const prefixOf = (cidr: string): number => Number(cidr.split("/")[1]);

const contains = (cidr: string, ip: string): boolean => ipaddr.IPv4.parse(ip).match(ipaddr.IPv4.parseCIDR(cidr));

const overlap = (a: string, b: string): boolean => contains(a, b.split("/")[0]!) || contains(b, a.split("/")[0]!);

function addressIn(cidr: string, offset: number): string {
  const bytes = ipaddr.IPv4.networkAddressFromCIDR(cidr).toByteArray();
  const number = bytes.reduce((sum, byte) => sum * 256 + byte, 0) + offset;
  return [24, 16, 8, 0].map((shift) => Math.floor(number / 2 ** shift) % 256).join(".");
}
