/** The commands of our own, as a list to read. What is not here comes from the shell's own set (cat, grep, tail, ...). */
import { curl } from "./curl.ts";
import { dig, getent, host, nslookup } from "./dns-tools.ts";
import { wget } from "./gnu-wget.ts";
import { hostname, id, uname, whoami } from "./hostname.ts";
import { arp, ifconfig, route } from "./interfaces.ts";
import { ip } from "./ip.ts";
import { nc } from "./nc.ts";
import { netstat, ss } from "./netstat.ts";
import { iptables, iptablesSave } from "./node/iptables.ts";
import { ipvsadm } from "./node/ipvsadm.ts";
import { nft } from "./node/nft.ts";
import { ping } from "./ping.ts";
import { ps } from "./ps.ts";
import { stty, tty } from "./stty.ts";
import { tar } from "./tar.ts";
import { telnet } from "./telnet.ts";
import type { Tool } from "./tool.ts";
import { tracepath, traceroute } from "./traceroute.ts";
import { yes } from "./yes.ts";

export const tools: Readonly<Record<string, Tool>> = {
  arp,
  curl,
  dig,
  getent,
  host,
  hostname,
  id,
  ifconfig,
  ip,
  iptables,
  "iptables-save": iptablesSave,
  ipvsadm,
  nc,
  netstat,
  nft,
  nslookup,
  ping,
  ping6: (context) => ping({ ...context, argv: ["ping", "-6", ...context.argv.slice(1)] }),
  ps,
  route,
  ss,
  stty,
  tar,
  telnet,
  tracepath,
  traceroute,
  tty,
  uname,
  wget,
  whoami,
  yes,
};
