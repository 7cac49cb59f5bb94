/**
 * The cluster's zone as a whole: a table that links every record to its object, or a zone file for other tools.
 */
import { Hono } from "hono";
import { z } from "zod";
import type { Operation } from "./operation.ts";
import type { SandboxEnv } from "./sandbox.ts";

const zoneFileType = "text/dns";

const Row = z.object({
  name: z.string(),
  type: z.string(),
  ttl: z.number().int().describe("Seconds"),
  data: z.string().describe("As a zone file writes it"),
  object: z
    .object({ apiVersion: z.string(), kind: z.string(), namespace: z.string().optional(), name: z.string() })
    .optional()
    .describe("What makes the record exist; absent for records of the server itself"),
});

const Query = z.object({ format: z.enum(["json", "zone"]).optional().describe("Default: by the Accept header, else json") });

export const operations: Operation[] = [
  {
    method: "get",
    path: "/s/{id}/dns",
    summary: "Every record of the cluster's zones, as JSON or (`Accept: text/dns`, `format=zone`) as a zone file",
    tag: "sandbox",
    query: Query,
    responses: { 200: { description: "The records", schema: z.object({ records: z.array(Row) }) } },
  },
];

export const dns = () =>
  new Hono<SandboxEnv>().get("/", (c) => {
    const zone = c.get("sandbox").cluster.dns;
    const format = Query.safeParse(c.req.query()).data?.format;
    const wantsZoneFile = format === undefined ? (c.req.header("accept") ?? "").includes(zoneFileType) : format === "zone";
    if (wantsZoneFile) return c.body(zone.zoneFile(), 200, { "content-type": `${zoneFileType}; charset=utf-8`, vary: "accept" });
    return c.json({ records: zone.zoneTable() }, 200, { vary: "accept" });
  });
