/**
 * How an HTTP surface describes itself for `/openapi.json`: with the zod schemas it checks with.
 *
 * Each file in `http/` may export `operations: Operation[]`; `worker/openapi.ts` lists them.
 */
import type { z } from "zod";

export interface Operation {
  method: "get" | "post" | "patch" | "delete";
  /** With `{id}` for the sandbox: `/s/{id}/route`. */
  path: string;
  summary: string;
  tag: "hub" | "sandbox";
  query?: z.ZodObject;
  body?: z.ZodType;
  /** By status. Errors are added by the document: problem+json. */
  responses: Record<number, { description: string; schema?: z.ZodType; contentType?: string }>;
  /** `none`: asks for no credential. Default: a token of the sandbox. */
  access?: "none" | "operator";
}
