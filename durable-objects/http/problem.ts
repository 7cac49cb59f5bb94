/** Errors that are not the Kubernetes API's: RFC 9457 `application/problem+json`, with a fix a person can act on. */
import type { Context } from "hono";

export interface Problem {
  /** Stable slug; becomes `https://kubearium.dev/problems/{slug}`. */
  type?: string;
  title: string;
  status: number;
  detail: string;
  fix?: string;
}

export function problemResponse({ type, title, status, detail, fix }: Problem, headers: Record<string, string> = {}): Response {
  const body = {
    type: type === undefined ? "about:blank" : `https://kubearium.dev/problems/${type}`,
    title,
    status,
    detail,
    ...(fix ? { fix } : {}),
  };
  return new Response(`${JSON.stringify(body)}\n`, { status, headers: { "content-type": "application/problem+json", ...headers } });
}

export const problem = (_c: Context, of: Problem): Response => problemResponse(of);
