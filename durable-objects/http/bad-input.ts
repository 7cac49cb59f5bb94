/** A request that a schema refuses, told so that it can be corrected: which field, what it may be, what to do. */
import type { Context } from "hono";
import type { z } from "zod";
import { readBody } from "./body.ts";
import { type Problem, problem, problemResponse } from "./problem.ts";
import type { SandboxEnv } from "./sandbox.ts";

/** @param where the place of the checked value in what was sent, as in `[3]` */
export function badInput(c: Context, what: string, error: z.ZodError, fix: string, where = ""): Response {
  const detail = error.issues.map(({ path, message }) => `${pathText(where, path) || what}: ${message}`).join("; ");
  return problem(c, { type: "bad-request", title: `Bad ${what}`, status: 400, detail, fix });
}

const pathText = (where: string, path: readonly PropertyKey[]): string =>
  path.reduce<string>(
    (text, part) => (typeof part === "number" ? `${text}[${part}]` : text === "" ? String(part) : `${text}.${String(part)}`),
    where,
  );

/** A problem met below the door. Thrown and caught within one surface. */
export class ProblemError extends Error {
  override readonly name = "ProblemError";
  readonly problem: Problem;

  constructor(of: Problem) {
    super(of.detail);
    this.problem = of;
  }
}

/** The JSON of a body; throws where it is none, or too large. */
export async function jsonBody(c: Context<SandboxEnv>, fix: string): Promise<unknown> {
  const limit = c.get("sandbox").cluster.limits.requestBytes;
  const bytes = await readBody(c.req.raw, limit);
  if (bytes === undefined) {
    throw new ProblemError({
      type: "too-large",
      title: "Body too large",
      status: 413,
      detail: `At most ${limit} bytes are read.`,
      fix: "Send fewer queries at once.",
    });
  }
  try {
    return JSON.parse(new TextDecoder().decode(bytes)) as unknown;
  } catch {
    throw new ProblemError({
      type: "bad-request",
      title: "Body is not JSON",
      status: 400,
      detail: "The body cannot be read as JSON.",
      fix,
    });
  }
}

/** Answers with the problem that was thrown; anything else is not ours to answer. */
export function answerProblem(error: unknown): Response {
  if (error instanceof ProblemError) return problemResponse(error.problem);
  throw error;
}
