/**
 * What a name means to a sender, with every question sent through the network like any other packet: where the rules
 * do not bring it to a DNS pod, there is no answer.
 */
import type { DnsMessage, DnsQuestion } from "../api/dns-message.ts";
import { parseIP } from "../api/ip-address.ts";
import type { ObjectRef, Resolution, Sender } from "../api/network.ts";
import type { Pod, Service } from "../api/objects.ts";
import { nodeNameserver } from "../api/resolv-conf.ts";
import type { ClusterDNS } from "../dns/cluster-dns.ts";
import { resolve } from "../dns/stub-resolver.ts";
import { endpointText } from "./endpoint-text.ts";
import type { Origin } from "./origin.ts";
import { type WayContext, wayOf } from "./packet-way.ts";
import type { HopDraft, Way } from "./way.ts";

export interface NameLookup {
  resolution: Resolution;
  /** The way of the last question that was sent into the cluster; its verdict says whether DNS could be reached. */
  way?: Way;
  /** Source address and port of that question. */
  source?: string;
}

const dnsPort = 53;

export function lookUp(
  name: string,
  type: string | undefined,
  origin: Origin,
  dns: Pick<ClusterDNS, "answer" | "answerOutside">,
  context: WayContext,
): NameLookup {
  let way: Way | undefined;
  let source: string | undefined;
  const ask = (question: DnsQuestion, server: string): DnsMessage | undefined => {
    const asked = askServer(question, { ip: server, port: dnsPort }, origin, dns, context);
    way = asked.way ?? way;
    source = asked.source ?? source;
    return asked.reply === "refused" ? undefined : asked.reply;
  };
  const from = {
    ...(origin.namespace === undefined ? {} : { namespace: origin.namespace }),
    ...(origin.pod === undefined ? {} : { pod: origin.pod.metadata.name }),
    ...(origin.node === undefined ? {} : { node: origin.node }),
  };
  const resolution = resolve({ name, from, ...(type === undefined ? {} : { type }) }, origin.stub(), ask);
  return { resolution, ...(way === undefined ? {} : { way, source: source! }) };
}

/** What came back from one server: `refused` where nothing listens or a rule rejects, `undefined` where no reply comes. */
export interface Asked {
  reply: DnsMessage | "refused" | undefined;
  /** Absent where the question never went into the cluster's network. */
  way?: Way;
  /** Source address and port. */
  source?: string;
}

/** Sends one question to one server, through the rules of the sender's node. */
export function askServer(
  question: DnsQuestion,
  server: { ip: string; port: number },
  origin: Origin,
  dns: Pick<ClusterDNS, "answer" | "answerOutside">,
  context: WayContext,
): Asked {
  if (server.ip === nodeNameserver && server.port === dnsPort) return { reply: dns.answerOutside(question) };
  const family = parseIP(server.ip)?.family;
  const src = family && origin.addressOf(family);
  if (src === undefined) return { reply: undefined };
  const sourcePort = 32_768 + context.random.int(28_232);
  const protocol = question.transport === "tcp" ? "TCP" : "UDP";
  const way = wayOf({ origin, protocol, src, sourcePort, dst: server.ip, port: server.port }, context);
  const sent = { way, source: endpointText(src, sourcePort) };
  if (way.verdict === "rejected" || way.verdict === "refused") return { reply: "refused", ...sent };
  if (way.verdict !== "delivered" || !runsClusterDNS(way.end?.pod)) return { reply: undefined, ...sent };
  return { reply: dns.answer(question, { now: context.now, seed: context.random.int(0x7fff_ffff) }), ...sent };
}

/** Only the cluster's own DNS server knows the cluster's names; another server on port 53 is not emulated. */
const runsClusterDNS = (pod: Pod | undefined): boolean =>
  pod?.spec.containers.some(({ image = "" }) => /(^|\/)coredns(:|@|$)/.test(image)) ?? false;

/** The hops of a lookup: search list, question, answer. A lookup answered from the hosts file has none. */
export function hopsOfLookup({ resolution, way, source }: NameLookup, origin: Origin, context: LookupWording): HopDraft[] {
  const { name, search, ndots, trace } = resolution;
  const last = decisiveStep(resolution);
  if (last === undefined) return [];
  const tries = new Set(trace.map(({ query }) => query)).size;
  const first = trace[0]!.query;
  const hops: HopDraft[] = [];
  if (search.length > 0 && (tries > 1 || first !== absolute(name))) {
    const params = { name, dots: name.split(".").length - 1, ndots, first };
    hops.push({ at: origin.place, does: "search", code: "search-list", params, objects: [], search: [...search], ndots });
  }
  const server = endpointText(last.server, dnsPort);
  const reached = way?.end === undefined ? "" : endpointText(way.destination.ip, way.destination.port);
  const inPod = way?.end?.pod;
  hops.push({
    at: origin.place,
    does: "ask",
    code: reached === "" ? (way === undefined ? "ask-outside" : "ask-lost") : reached === server ? "ask-directly" : "ask-through-rules",
    params: { server, query: last.query, tries, reached, pod: inPod?.metadata.name ?? "", node: origin.node ?? "" },
    objects: [],
    query: last.query,
    type: last.type,
    ...(source === undefined ? {} : { src: source }),
    dst: server,
    ...(reached === "" || reached === server ? {} : { dstAfter: reached }),
  });
  if (last.rcode === "TIMEOUT") return hops;
  const service = context.serviceOf(last.query);
  const answers = last.answers.filter(({ type }) => type === last.type || type === "CNAME").map(({ data }) => data);
  hops.push({
    at: way?.end?.place ?? `outside/${last.server}`,
    does: "answer",
    code: answerCode(last.rcode, answers, service),
    params: {
      query: last.query,
      rcode: last.rcode,
      tries,
      answer: answers.join(", "),
      ttl: last.answers[0]?.ttl ?? 0,
      service: service?.metadata.name ?? "",
    },
    objects: service === undefined ? [] : [serviceRef(service)],
    query: last.query,
    type: last.type,
    rcode: last.rcode,
    answers,
  });
  return hops;
}

export interface LookupWording {
  /** The Service that a full name stands for, to point at it. */
  serviceOf(name: string): Service | undefined;
}

/** The step that gave the address, or the last one asked for the first type. */
function decisiveStep({ trace, addresses }: Resolution): Resolution["trace"][number] | undefined {
  const gave = trace.find(({ answers }) => answers.some(({ data }) => data === addresses[0]));
  return gave ?? trace.findLast(({ type }) => type === trace[0]!.type);
}

function answerCode(rcode: string, answers: readonly string[], service: Service | undefined): HopDraft["code"] {
  if (rcode === "NXDOMAIN") return "answer-no-such-name";
  if (rcode !== "NOERROR") return "answer-failure";
  if (answers.length === 0) return "answer-empty";
  if (service?.spec.type === "ExternalName") return "answer-external-name";
  if (service?.spec.clusterIP === "None") return "answer-headless";
  return service === undefined ? "answer-address" : "answer-cluster-ip";
}

const absolute = (name: string): string => (name.endsWith(".") ? name : `${name}.`);

export const serviceRef = ({ metadata: { namespace, name } }: Service): ObjectRef => ({
  apiVersion: "v1",
  kind: "Service",
  namespace,
  name,
});

/** What a sender learns that cannot send at all. */
export const silence = (name: string, type: string | undefined, from: Sender): Resolution => ({
  name,
  type: type ?? "A",
  rcode: "TIMEOUT",
  from: {
    ...("namespace" in from ? { namespace: from.namespace } : {}),
    ...("pod" in from ? { pod: from.pod } : {}),
    ...("node" in from && from.node !== undefined ? { node: from.node } : {}),
  },
  answers: [],
  addresses: [],
  search: [],
  ndots: 1,
  nameserver: undefined,
  trace: [],
  error: "temporary-failure",
});
