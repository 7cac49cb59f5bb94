/** The commands of our own, as a list to read. What is not here comes from the shell's own set (cat, grep, tail, ...). */
import { curl } from "./curl.ts";
import { dig, getent, host, nslookup } from "./dns-tools.ts";
import { hostname, id, uname, whoami } from "./hostname.ts";
import { ip } from "./ip.ts";
import { nc } from "./nc.ts";
import { ping } from "./ping.ts";
import { ps } from "./ps.ts";
import type { Tool } from "./tool.ts";
import { wget } from "./wget.ts";

export const tools: Readonly<Record<string, Tool>> = {
  curl,
  dig,
  getent,
  host,
  hostname,
  id,
  ip,
  nc,
  nslookup,
  ping,
  ping6: (context) => ping({ ...context, argv: ["ping", "-6", ...context.argv.slice(1)] }),
  ps,
  uname,
  wget,
  whoami,
};
