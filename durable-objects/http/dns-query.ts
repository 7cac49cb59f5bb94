/**
 * DNS over HTTPS: the cluster's DNS server for clients outside of it, in wire format or as JSON.
 *
 * `?from=` puts the search list of a pod or namespace before the answer, which real servers leave to the client.
 *
 * @see https://www.rfc-editor.org/rfc/rfc8484
 */
import { type Context, Hono } from "hono";
import { z } from "zod";
import type { DnsMessage, DnsQuestion } from "../cluster/api/dns-message.ts";
import { absolute, nameProblem, relative, sameName } from "../cluster/api/domain-names.ts";
import type { DnsRecord, Resolution, Sender } from "../cluster/api/network.ts";
import { lifetimeOf } from "../cluster/dns/plugins/cache.ts";
import { failed } from "../cluster/dns/plugins/plugin.ts";
import { readBody } from "./body.ts";
import { rcodeNumber, typeName, typeNumber } from "./dns-codes.ts";
import { type DnsRequest, readRequest, writeMessage } from "./dns-wire.ts";
import type { Operation } from "./operation.ts";
import { problem } from "./problem.ts";
import type { SandboxEnv } from "./sandbox.ts";
import { senderOf } from "./sender.ts";

type C = Context<SandboxEnv>;

const wireType = "application/dns-message";
const jsonType = "application/dns-json";
const mostOctets = 65_535;

const dnsPort = 53;
/** Who asks where nobody is named: the question goes the way of all questions, so that DNS that is down is down here, too. */
const client: Sender = { kind: "client", namespace: "default" };

const flag = z.enum(["", "0", "1", "false", "true"]).transform((text) => text !== "0" && text !== "false");

const JsonQuery = z.object({
  name: z.string().min(1).describe("The name to look up"),
  type: z
    .string()
    .default("A")
    .refine((type) => typeNumber(type) !== undefined, "no record type of that name")
    .describe("A record type, by name or number"),
  cd: flag.optional().describe("Checking disabled; copied into the answer"),
  do: flag.optional().describe("Ask for signatures; there are none"),
  from: z.string().min(1).optional().describe("Whose search list counts: `ns/pod`, `deploy/name`, a namespace, `node/name` or `outside`"),
});

const WireQuery = z.object({
  dns: z.string().describe("The question in wire format, base64url without padding"),
  from: JsonQuery.shape.from,
});

export const operations: Operation[] = [
  {
    method: "get",
    path: "/s/{id}/dns-query",
    summary: "Asks the cluster's DNS: RFC 8484 with `dns=`, or `application/dns-json` with `name=`",
    tag: "sandbox",
    query: z.object({ ...WireQuery.partial().shape, ...JsonQuery.partial().shape }),
    responses: { 200: { description: "The answer; a name that does not exist is an answer too", contentType: wireType } },
  },
  {
    method: "post",
    path: "/s/{id}/dns-query",
    summary: "Asks the cluster's DNS with a question in wire format as the body",
    tag: "sandbox",
    query: z.object({ from: JsonQuery.shape.from }),
    responses: { 200: { description: "The answer", contentType: wireType } },
  },
];

export const dnsQuery = () =>
  new Hono<SandboxEnv>().all("/", async (c) => {
    if (c.req.method === "GET" && c.req.query("dns") === undefined && c.req.query("name") !== undefined) return answerJson(c);
    const octets = await questionOctets(c);
    if (typeof octets === "string") return invalidRequest(octets);
    if (octets === undefined) return tooLarge(c);
    const request = readRequest(octets);
    if (typeof request !== "string") return answerWire(c, request);
    // As the real server, any type is taken as long as a question comes with it.
    const type = c.req.header("content-type")?.split(";")[0] ?? "";
    return c.req.method === "POST" && octets.length > 0 && type !== wireType ? wrongType(c, type) : invalidRequest(request);
  });

/**
 * As the real server refuses: every method but GET and POST, several questions, anything that is no message. It says
 * the same words for all of them; the reason is ours, and stands in a header.
 */
const invalidRequest = (reason: string): Response =>
  new Response("invalid request\n", {
    status: 400,
    headers: { "content-type": "text/plain; charset=utf-8", "x-content-type-options": "nosniff", "x-reason": reason },
  });

const tooLarge = (c: C): Response =>
  problem(c, {
    type: "too-large",
    title: "Question too large",
    status: 413,
    detail: `A DNS message has at most ${mostOctets} octets.`,
    fix: "Send one question in wire format.",
  });

const wrongType = (c: C, type: string): Response =>
  problem(c, {
    type: "unsupported-media-type",
    title: "Not a DNS message",
    status: 415,
    detail: `${type === "" ? "The body has no content type and" : `The content type is ${type}, and the body`} is no DNS message.`,
    fix: `Send a question in wire format as ${wireType}, or GET with ?name= for JSON.`,
  });

/** @returns a reason where there is no question; `undefined` for a body that is too large */
async function questionOctets(c: C): Promise<Uint8Array | string | undefined> {
  if (c.req.method === "POST") return readBody(c.req.raw, mostOctets);
  if (c.req.method !== "GET") return `${c.req.method} is neither GET nor POST`;
  const texts = c.req.queries("dns") ?? [];
  if (texts.length !== 1) return texts.length === 0 ? "the parameter dns is missing" : "there is more than one parameter dns";
  return fromBase64url(texts[0] as string) ?? "dns is not base64url without padding";
}

function fromBase64url(text: string): Uint8Array | undefined {
  if (!/^[A-Za-z0-9_-]*$/.test(text) || text.length % 4 === 1) return undefined;
  return Uint8Array.from(atob(text.replaceAll("-", "+").replaceAll("_", "/")), (char) => char.charCodeAt(0));
}

function answerWire(c: C, { id, opcode, question }: DnsRequest): Response {
  const message = answer(c, { ...question, transport: "tcp" }, c.req.query("from"));
  if (typeof message === "string") return noSuchSender(c, message);
  return new Response(writeMessage(message, { id, opcode }), {
    headers: { "content-type": wireType, "cache-control": `max-age=${lifetimeOf(message)}` },
  });
}

function answerJson(c: C): Response {
  const query = JsonQuery.safeParse(c.req.query());
  if (!query.success) return badQuestion(c, z.prettifyError(query.error));
  const { name, type, cd = false, do: wantsSignatures = false, from } = query.data;
  const wrong = nameProblem(name);
  if (wrong !== undefined) return badQuestion(c, `${name} cannot be asked: ${wrong.replaceAll("-", " ")}.`);
  const question: DnsQuestion = {
    name: absolute(name),
    type: typeName(typeNumber(type) as number),
    transport: "tcp",
    cd,
    ...(wantsSignatures ? { edns: { bufsize: mostOctets, version: 0, do: true, options: [] } } : {}),
  };
  const message = answer(c, question, from, name);
  if (typeof message === "string") return noSuchSender(c, message);
  return c.body(JSON.stringify(jsonOf(message)), 200, { "content-type": jsonType, "cache-control": `max-age=${lifetimeOf(message)}` });
}

/**
 * @param typed the name as it goes through the search list of `from`
 * @returns a sentence where there is no such sender
 */
function answer(c: C, question: DnsQuestion, from: string | undefined, typed = relative(question.name)): DnsMessage | string {
  const { cluster } = c.get("sandbox");
  const { network } = cluster;
  const server = { ip: cluster.options.clusterDNS, port: dnsPort };
  const ask = (name: string): DnsMessage => {
    const reply = network.ask(client, { ...question, name }, server);
    return reply === undefined || reply === "refused" ? failed(question) : reply;
  };
  if (from === undefined) return ask(question.name);
  const sender = senderOf(from, cluster.reader);
  if (typeof sender === "string") return sender;
  return asIfAsked(question, network.resolve({ from: sender, name: typed, type: question.type }), ask);
}

/** Clients discard records that are not about their question: the name that the search list found becomes an alias of theirs. */
function asIfAsked(question: DnsQuestion, found: Resolution, ask: (name: string) => DnsMessage): DnsMessage {
  const name = found.trace.at(-1)?.query ?? question.name;
  const rcode = found.rcode === unanswered ? "SERVFAIL" : found.rcode;
  const message = ask(name);
  const sections = message.rcode === rcode ? message : { ...message, authority: [], additional: [] };
  const records = found.answers.length > 0 ? found.answers : found.addresses.map((data) => fromHostsFile(question.name, data));
  const alias: DnsRecord[] =
    records.length > 0 && !sameName(name, question.name)
      ? [{ name: question.name, type: "CNAME", ttl: lowestTTL(records), data: name }]
      : [];
  return { ...sections, question, rcode, answer: [...alias, ...records] };
}

/** The rcode of a resolution to which no server replied. */
const unanswered = "TIMEOUT";

/** The hosts file knows no TTL, and may change at any time. */
const fromHostsFile = (name: string, data: string): DnsRecord => ({ name, type: data.includes(":") ? "AAAA" : "A", ttl: 0, data });

const lowestTTL = (records: readonly DnsRecord[]): number => Math.min(...records.map(({ ttl }) => ttl));

/** The JSON form that public resolvers share. */
function jsonOf({ question, rcode, tc, rd, ra, cd, answer, authority, additional }: DnsMessage): object {
  const records = (of: readonly DnsRecord[]): object[] =>
    of.map(({ name, type, ttl, data }) => ({ name, type: typeNumber(type), TTL: ttl, data }));
  return {
    Status: rcodeNumber(rcode),
    TC: tc,
    RD: rd,
    RA: ra,
    AD: false,
    CD: cd,
    Question: [{ name: question.name, type: typeNumber(question.type) }],
    ...(answer.length > 0 ? { Answer: records(answer) } : {}),
    ...(authority.length > 0 ? { Authority: records(authority) } : {}),
    ...(additional.length > 0 ? { Additional: records(additional) } : {}),
  };
}

const badQuestion = (c: C, detail: string): Response =>
  problem(c, {
    type: "bad-dns-question",
    title: "Bad DNS question",
    status: 400,
    detail,
    fix: "Send ?name=web.default.svc.cluster.local&type=A",
  });

const noSuchSender = (c: C, sentence: string): Response =>
  problem(c, {
    type: "no-such-sender",
    title: "No such sender",
    status: 404,
    detail: `${sentence.charAt(0).toUpperCase()}${sentence.slice(1)}.`,
    fix: "Name a pod (namespace/pod), a Deployment (deploy/name), a namespace, a node (node/name) or outside.",
  });
