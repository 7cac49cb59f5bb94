/** The request of the page: what was typed, where it starts, and what came of it. */
import { signal } from "@preact/signals";
import { language } from "./language.ts";
import { basePath } from "./sandbox-address.ts";

/** A hop as `/route` answers it; http-contract.md has the shape. */
export interface Hop {
  n: number;
  at: string;
  does: "read" | "search" | "ask" | "answer" | "connect" | "match" | "rewrite" | "deliver" | "reply" | "stop";
  sentence: string;
  params?: Record<string, string | number | boolean>;
  search?: string[];
  query?: string;
  type?: string;
  rcode?: string;
  answers?: string[];
  src?: string;
  dst?: string;
  srcAfter?: string;
  dstAfter?: string;
  rule?: { table?: string; chain: string; line: number; text: string };
}

export interface RouteAnswer {
  verdict: string;
  trace?: string;
  hops: Hop[];
  backend?: { pod?: string; ip: string; port: number; node?: string } | null;
  http?: { status: number; body: string } | null;
  why?: { message: string; fix?: { text: string } | null } | null;
}

export interface ResolveAnswer {
  name: string;
  rcode: string;
  answers: { name: string; type: string; ttl: number; data: string }[];
  trace: { query: string; type: string; server: string; rcode: string; from: string }[];
  why?: { message: string; fix?: { text: string } | null } | null;
}

export type Outcome =
  | { is: "none" }
  | { is: "sending" }
  | { is: "not-understood"; text: string }
  | { is: "failed"; code: string; detail?: string }
  | { is: "route"; protocol: string; host: string; answer: RouteAnswer }
  | { is: "resolve"; answer: ResolveAnswer };

export const outcome = signal<Outcome>({ is: "none" });

type Command =
  | { do: "route"; to: { host: string; port?: number; protocol: "TCP" | "ICMP" }; http?: { method: string; path: string } }
  | { do: "resolve"; name: string };

/** Reads `curl URL`, `wget URL`, `ping HOST` and `nslookup NAME`; `undefined` for anything else. */
export function parseCommand(text: string): Command | undefined {
  const words = text.trim().split(/\s+/);
  const target = words.filter((word, at) => at > 0 && !word.startsWith("-")).at(-1);
  if (target === undefined) return undefined;
  switch (words[0]) {
    case "ping":
      return { do: "route", to: { host: target, protocol: "ICMP" } };
    case "nslookup":
    case "dig":
      return { do: "resolve", name: target };
    case "curl":
    case "wget": {
      let url: URL;
      try {
        url = new URL(/^https?:\/\//.test(target) ? target : `http://${target}`);
      } catch {
        return undefined;
      }
      const method = words.includes("-X") ? (words[words.indexOf("-X") + 1] ?? "GET") : words.includes("-d") ? "POST" : "GET";
      const host = url.hostname.replace(/^\[|\]$/g, "");
      return {
        do: "route",
        to: { host, port: Number(url.port || 80), protocol: "TCP" },
        http: { method, path: `${url.pathname}${url.search}` },
      };
    }
    default:
      return undefined;
  }
}

/** Sends what was typed from a place written as `/route` writes it (`ns/pod`, a namespace, `outside`). */
export async function send(from: string, text: string): Promise<void> {
  const command = parseCommand(text);
  if (command === undefined) {
    outcome.value = { is: "not-understood", text };
    return;
  }
  outcome.value = { is: "sending" };
  const { do: surface, ...body } = command;
  try {
    const response = await fetch(`${basePath}/${surface}?lang=${language.value}`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ from, ...body }),
    });
    const answer = (await response.json()) as RouteAnswer & ResolveAnswer & { detail?: string };
    if (!response.ok) outcome.value = { is: "failed", code: String(response.status), ...(answer.detail ? { detail: answer.detail } : {}) };
    else if (command.do === "resolve") outcome.value = { is: "resolve", answer };
    else outcome.value = { is: "route", protocol: command.to.protocol, host: command.to.host, answer };
  } catch (error) {
    outcome.value = { is: "failed", code: String(error) };
  }
}
