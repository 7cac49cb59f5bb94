/** netstat and ss: what listens in the pod. Emulated connections last no longer than the command that made them. */
import type { Listener } from "../../api/network.ts";
import { kernelRoutes } from "./interfaces.ts";
import { serviceNames } from "./service-names.ts";
import { hasOption, type Options, readOptions, type Tool, type ToolContext } from "./tool.ts";

interface Wanted {
  tcp: boolean;
  udp: boolean;
  isNumeric: boolean;
}

function wantedBy(options: Options): Wanted {
  const tcp = hasOption(options, "t");
  const udp = hasOption(options, "u");
  return { tcp: tcp || !udp, udp: udp || !tcp, isNumeric: hasOption(options, "n") };
}

function sockets({ listeners }: ToolContext, { tcp, udp }: Wanted): Listener[] {
  const all = listeners();
  return [
    ...(tcp ? all.filter(({ protocol }) => protocol === "TCP") : []),
    ...(udp ? all.filter(({ protocol }) => protocol === "UDP") : []),
  ];
}

const portName = ({ port, protocol }: Listener, isNumeric: boolean): string =>
  (isNumeric ? undefined : serviceNames[`${port}/${protocol.toLowerCase()}`]) ?? String(port);

export const netstat: Tool = (context) => {
  const options = readOptions(context.argv.slice(1), { short: "laentuwxrWpcovis" });
  if (options.problem) {
    context.err(`netstat: invalid option -- '${options.problem.name}'\n`);
    return 1;
  }
  if (hasOption(options, "r")) return routingTable(context, hasOption(options, "n"));
  const isBusybox = context.place.image.userland.flavours.ifconfig !== "net-tools";
  const wanted = wantedBy(options);
  const showsListening = hasOption(options, "l") || hasOption(options, "a");
  const kinds = hasOption(options, "l") ? "(only servers)" : showsListening ? "(servers and established)" : "(w/o servers)";
  const pad = isBusybox ? 12 : 11;
  context.out(`Active Internet connections ${kinds}\n`);
  context.out(`Proto Recv-Q Send-Q Local Address           Foreign Address         ${"State".padEnd(pad)}\n`);
  if (showsListening)
    for (const socket of sockets(context, wanted)) {
      const local = `0.0.0.0:${portName(socket, wanted.isNumeric)}`;
      const state = socket.protocol === "TCP" ? "LISTEN" : "";
      context.out(
        `${socket.protocol.toLowerCase().padEnd(5)}      0      0 ${local.padEnd(23)} ${"0.0.0.0:*".padEnd(23)} ${state.padEnd(pad)}\n`,
      );
    }
  const isAll = !hasOption(options, "t") && !hasOption(options, "u");
  if (isAll) {
    const unixKinds = kinds === "(only servers)" ? "(only servers)" : kinds;
    context.out(
      `Active UNIX domain sockets ${unixKinds}\nProto RefCnt Flags       Type       State         I-Node ${isBusybox ? "Path" : "  Path"}\n`,
    );
  }
  return 0;
};

function routingTable(context: ToolContext, isNumeric: boolean): number {
  context.out("Kernel IP routing table\nDestination     Gateway         Genmask         Flags   MSS Window  irtt Iface\n");
  for (const { destination, gateway, mask, flags } of kernelRoutes(context, isNumeric))
    context.out(`${destination.padEnd(15)} ${gateway.padEnd(15)} ${mask.padEnd(15)} ${flags.padEnd(9)} 0 0          0 eth0\n`);
  return 0;
}

/** The columns are as wide as their widest cell. */
export const ss: Tool = (context) => {
  const options = readOptions(context.argv.slice(1), { short: "laentuwxrWpcovismHO46" });
  if (options.problem) {
    context.err(`ss: invalid option -- '${options.problem.name}'\n`);
    return 255;
  }
  if (hasOption(options, "s")) return summary(context);
  const wanted = wantedBy(options);
  const showsListening = hasOption(options, "l") || hasOption(options, "a");
  const port = /sport = :(\d+)/.exec(options.operands.join(" "))?.[1];
  const found = showsListening ? sockets(context, wanted).filter((each) => port === undefined || String(each.port) === port) : [];
  const hasNetid = wanted.tcp && wanted.udp;
  const state = ({ protocol }: Listener): string => (protocol === "TCP" ? "LISTEN" : "UNCONN");
  const queue = ({ protocol }: Listener): string => (protocol === "TCP" ? "100" : "0");
  const rows = found.map((each) => ({
    state: state(each),
    queue: queue(each),
    proto: each.protocol.toLowerCase(),
    port: portName(each, wanted.isNumeric),
  }));
  const width = (head: string, cells: string[]): number => Math.max(head.length, ...cells.map((cell) => cell.length));
  const states = width(
    "State",
    rows.map((row) => row.state),
  );
  const local = width("Local Address", rows.length > 0 ? ["0.0.0.0"] : []);
  const ports = width(
    "Port",
    rows.map((row) => row.port),
  );
  const peer = "Peer Address".length;
  const line = (netid: string, cells: [string, string, string, string, string, string, string], tail: string): void => {
    const [shown, recv, send, address, at, peerAddress, peerPort] = cells;
    const first = hasNetid ? `${netid.padEnd(5)} ` : "";
    context.out(
      `${first}${shown.padEnd(states)} ${recv.padEnd(6)} ${send.padEnd(6)} ${address.padStart(local)}:${at.padEnd(ports)} ${peerAddress.padStart(peer)}:${peerPort.padEnd(4)}${tail}\n`,
    );
  };
  line("Netid", ["State", "Recv-Q", "Send-Q", "Local Address", "Port", "Peer Address", "Port"], "Process");
  for (const row of rows) line(row.proto, [row.state, "0", row.queue, "0.0.0.0", row.port, "0.0.0.0", "*"], "       ");
  return 0;
};

function summary(context: ToolContext): number {
  const count = (protocol: string): number => context.listeners().filter((each) => each.protocol === protocol).length;
  const [tcp, udp] = [count("TCP"), count("UDP")];
  const row = (name: string, value: number): string => `${name}\t  ${String(value).padEnd(9)} ${String(value).padEnd(9)} 0        \n`;
  context.out(`Total: ${tcp + udp}\nTCP:   ${tcp} (estab 0, closed 0, orphaned 0, timewait 0)\n\nTransport Total     IP        IPv6\n`);
  context.out(`${row("RAW", 0)}${row("UDP", udp)}${row("TCP", tcp)}${row("INET", tcp + udp)}${row("FRAG", 0)}\n`);
  return 0;
}
