/** arp, ifconfig and route, as busybox and net-tools print them: the one link of a pod, its neighbour and its routes. */
import { interfaceOf, neighbourMac } from "./ip.ts";
import { hasOption, readOptions, type Tool, type ToolContext } from "./tool.ts";

const isNetTools = ({ place }: ToolContext): boolean => place.image.userland.flavours.ifconfig === "net-tools";

export const arp: Tool = (context) => {
  const { gateway } = interfaceOf(context);
  const options = readOptions(context.argv.slice(1), { short: "anveH:i:d:s:D" });
  if (isNetTools(context) && !hasOption(options, "a")) {
    context.out("Address                  HWtype  HWaddress           Flags Mask            Iface\n");
    context.out(`${gateway.padEnd(24)} ether   ${neighbourMac(gateway)}   C                     eth0\n`);
    return 0;
  }
  context.out(`? (${gateway}) at ${neighbourMac(gateway)} [ether] ${isNetTools(context) ? "" : " "}on eth0\n`);
  return 0;
};

export const ifconfig: Tool = (context) => {
  const [device] = context.argv.slice(1).filter((word) => !word.startsWith("-"));
  if (device !== undefined && device !== "eth0" && device !== "lo") {
    context.err(`${isNetTools(context) ? "" : "ifconfig: "}${device}: error fetching interface information: Device not found\n`);
    return 1;
  }
  const print = isNetTools(context) ? netToolsInterface : busyboxInterface;
  for (const name of device === undefined ? ["eth0", "lo"] : [device]) context.out(`${print(context, name)}\n`);
  return 0;
};

/** What has gone over the link is not counted. */
const noTraffic = { packets: 0, bytes: "0 (0.0 B)" };

function busyboxInterface(context: ToolContext, name: string): string {
  const { ip, ip6, broadcast, mac, linkLocal } = interfaceOf(context);
  const isLink = name === "eth0";
  const lines = [
    isLink ? `eth0      Link encap:Ethernet  HWaddr ${mac.toUpperCase()}  ` : "lo        Link encap:Local Loopback  ",
    isLink ? `          inet addr:${ip}  Bcast:${broadcast}  Mask:255.255.255.0` : "          inet addr:127.0.0.1  Mask:255.0.0.0",
    ...(isLink && ip6 ? [`          inet6 addr: ${ip6}/64 Scope:Global`] : []),
    isLink ? `          inet6 addr: ${linkLocal}/64 Scope:Link` : "          inet6 addr: ::1/128 Scope:Host",
    isLink ? "          UP BROADCAST RUNNING MULTICAST  MTU:1500  Metric:1" : "          UP LOOPBACK RUNNING  MTU:65536  Metric:1",
    `          RX packets:${noTraffic.packets} errors:0 dropped:0 overruns:0 frame:0`,
    `          TX packets:${noTraffic.packets} errors:0 dropped:0 overruns:0 carrier:0`,
    "          collisions:0 txqueuelen:1000 ",
    `          RX bytes:${noTraffic.bytes}  TX bytes:${noTraffic.bytes}`,
  ];
  return `${lines.join("\n")}\n`;
}

function netToolsInterface(context: ToolContext, name: string): string {
  const { ip, ip6, broadcast, mac, linkLocal } = interfaceOf(context);
  const isLink = name === "eth0";
  const lines = [
    isLink ? "eth0: flags=4163<UP,BROADCAST,RUNNING,MULTICAST>  mtu 1500" : "lo: flags=73<UP,LOOPBACK,RUNNING>  mtu 65536",
    isLink ? `        inet ${ip}  netmask 255.255.255.0  broadcast ${broadcast}` : "        inet 127.0.0.1  netmask 255.0.0.0",
    ...(isLink && ip6 ? [`        inet6 ${ip6}  prefixlen 64  scopeid 0x0<global>`] : []),
    isLink ? `        inet6 ${linkLocal}  prefixlen 64  scopeid 0x20<link>` : "        inet6 ::1  prefixlen 128  scopeid 0x10<host>",
    isLink ? `        ether ${mac}  txqueuelen 1000  (Ethernet)` : "        loop  txqueuelen 1000  (Local Loopback)",
    `        RX packets ${noTraffic.packets}  bytes ${noTraffic.bytes}`,
    "        RX errors 0  dropped 0  overruns 0  frame 0",
    `        TX packets ${noTraffic.packets}  bytes ${noTraffic.bytes}`,
    "        TX errors 0  dropped 0 overruns 0  carrier 0  collisions 0",
  ];
  return `${lines.join("\n")}\n`;
}

interface KernelRoute {
  destination: string;
  gateway: string;
  mask: string;
  flags: string;
}

/** The kernel's table: the default route, the pod network behind the gateway, the gateway on the link. */
export function kernelRoutes(context: ToolContext, isNumeric: boolean): KernelRoute[] {
  const { gateway, subnet } = interfaceOf(context);
  return [
    { destination: isNumeric ? "0.0.0.0" : "default", gateway, mask: "0.0.0.0", flags: "UG" },
    { destination: subnet, gateway, mask: "255.255.255.0", flags: "UG" },
    { destination: gateway, gateway: isNumeric || isNetTools(context) ? "0.0.0.0" : "*", mask: "255.255.255.255", flags: "UH" },
  ];
}

export const route: Tool = (context) => {
  const options = readOptions(context.argv.slice(1), { short: "neA:Fv46" });
  const isNumeric = hasOption(options, "n");
  context.out("Kernel IP routing table\nDestination     Gateway         Genmask         Flags Metric Ref    Use Iface\n");
  for (const { destination, gateway, mask, flags } of kernelRoutes(context, isNumeric)) {
    context.out(`${destination.padEnd(15)} ${gateway.padEnd(15)} ${mask.padEnd(15)} ${flags.padEnd(5)} 0      0        0 eth0\n`);
  }
  return 0;
};
