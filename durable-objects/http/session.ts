/**
 * The page's cookie: `POST /session` takes a token (JSON `{token}`, or the credential of the request) and answers a cookie
 * that scripts cannot read and other sites do not send; `DELETE` removes it.
 *
 * The cookie holds the token itself: the object keeps hashes only, and has no table of sessions.
 */
import { z } from "zod";
import { principalOf, type TokenHashes } from "../cluster/access/credentials.ts";
import { problemResponse } from "./problem.ts";
import { unknownVisitor } from "./refusals.ts";
import { maximumLifeSeconds } from "./sandbox-record.ts";
import type { VisitFacts } from "./visit-headers.ts";

export const sessionCookie = "kubearium-session";

export const sessionBody = z.object({ token: z.string().min(1).max(200) }).describe("A token of this sandbox.");

/** Serves `/session` of one sandbox. */
export async function answerSession(request: Request, facts: VisitFacts, known: TokenHashes): Promise<Response> {
  if (request.method === "DELETE") return withCookie(facts, "", 0);
  if (request.method !== "POST") {
    return problemResponse(
      {
        type: "method-not-allowed",
        title: "Method not allowed",
        status: 405,
        detail: "A session is made and ended.",
        fix: "Use POST or DELETE.",
      },
      { allow: "POST, DELETE" },
    );
  }
  const text = await request.text();
  let token = facts.credential;
  if (text !== "") {
    const body = sessionBody.safeParse(parseJSON(text));
    if (!body.success) {
      return problemResponse({
        type: "bad-session",
        title: "Bad session request",
        status: 400,
        detail: z.prettifyError(body.error),
        fix: 'Send {"token": "…"} as JSON.',
      });
    }
    token = body.data.token;
  }
  if (principalOf(token, "cookie", known) === undefined) return unknownVisitor("/session", token !== undefined);
  return withCookie(facts, token ?? "", token === undefined ? 0 : maximumLifeSeconds);
}

/** 204 with the cookie; a lifetime of 0 removes it. */
function withCookie({ id, baseURL }: VisitFacts, value: string, maxAgeSeconds: number): Response {
  const attributes = [`${sessionCookie}=${value}`, `Path=/s/${id}/`, `Max-Age=${maxAgeSeconds}`, "HttpOnly", "SameSite=Strict"];
  if (baseURL.startsWith("https:")) attributes.push("Secure");
  return new Response(null, { status: 204, headers: { "set-cookie": attributes.join("; "), "cache-control": "no-store" } });
}

const parseJSON = (text: string): unknown => {
  try {
    return JSON.parse(text);
  } catch {
    return undefined; // refused by the schema, with a sentence
  }
};
