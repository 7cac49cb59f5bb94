/**
 * `doh.jsonl`: how the real server's DNS over HTTPS behaves as HTTP.
 */
import dnsPacket from "dns-packet";
import { Hono } from "hono";
import type { DnsQuestion } from "../../durable-objects/cluster/api/dns-message.ts";
import { defaultOptions } from "../../durable-objects/cluster/api/sandbox-options.ts";
import { dnsQuery } from "../../durable-objects/http/dns-query.ts";
import type { SandboxEnv } from "../../durable-objects/http/sandbox.ts";
import { firstDifference } from "./comparison.ts";
import { makeWorld } from "./world.ts";

export interface DohRow {
  name: string;
  request: {
    method: string;
    path: string;
    content_type?: string;
    question?: { id: number; name: string; type: string };
    body_hex?: string;
  };
  expect: {
    status: number;
    headers: Record<string, string>;
    content_length?: number;
    id?: number;
    rcode?: string;
    tc?: boolean;
    answers?: number;
    body_text?: string;
  };
}

export async function compareDoh(folder: string, { request, expect }: DohRow): Promise<string | undefined> {
  const response = await appOf(folder).request(request.path, {
    method: request.method,
    ...(request.method === "POST" ? { body: bodyOf(request), headers: { "content-type": request.content_type ?? "" } } : {}),
  });
  const body = new Uint8Array(await response.arrayBuffer());
  // Other paths are other surfaces of a sandbox: only the status is the same.
  if (expect.status === 404) return firstDifference(404, response.status, "status");
  return firstDifference(
    { ...expect, headers: expect.headers },
    {
      status: response.status,
      headers: Object.fromEntries(Object.keys(expect.headers).map((name) => [name, response.headers.get(name)])),
      ...(expect.content_length === undefined ? {} : { content_length: body.length }),
      ...(expect.body_text === undefined ? {} : { body_text: new TextDecoder().decode(body) }),
      ...decoded(body, expect),
    },
  );
}

/** Read with a decoder that is not ours. */
function decoded(body: Uint8Array, expect: DohRow["expect"]): object {
  if (expect.rcode === undefined) return {};
  const message = dnsPacket.decode(Buffer.from(body));
  return {
    id: message.id,
    rcode: message.rcode,
    ...(expect.tc === undefined ? {} : { tc: message.flag_tc }),
    ...(expect.answers === undefined ? {} : { answers: message.answers?.length }),
  };
}

function bodyOf({ question, body_hex: hex }: DohRow["request"]): BodyInit {
  if (question === undefined) return Buffer.from(hex ?? "", "hex");
  const { id, name, type } = question;
  return dnsPacket.encode({
    type: "query",
    id,
    flags: dnsPacket.RECURSION_DESIRED,
    questions: [{ name: name.replace(/\.$/, ""), type, class: "IN" }],
  });
}

function appOf(folder: string): Hono<SandboxEnv> {
  const world = makeWorld(folder, { cacheClusterZone: true });
  const ask = (_from: object, question: DnsQuestion) => world.dns.answer(question, { now: world.now, seed: world.seed });
  const cluster = { network: { ask }, options: defaultOptions };
  const app = new Hono<SandboxEnv>();
  app.use(async (c, next) => {
    c.set("sandbox", { cluster } as unknown as SandboxEnv["Variables"]["sandbox"]);
    await next();
  });
  app.route("/dns-query", dnsQuery());
  return app;
}
