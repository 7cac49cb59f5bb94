/** ipvsadm 1.31, for reading: `-L -n` over the virtual servers of the node. No connection outlives its command: none is counted. */
import { hasOption, readOptions, type Tool } from "../tool.ts";
import { rulesOfNode } from "./node-rules.ts";

const protocols: Readonly<Record<string, string>> = { "-t": "TCP", "-u": "UDP", "--sctp-service": "SCTP" };
const forwarding: Readonly<Record<string, string>> = { "-m": "Masq", "-g": "Route", "-i": "Tunnel" };

export const ipvsadm: Tool = (context) => {
  const options = readOptions(context.argv.slice(1), { short: "LlnSCct:u:h", long: ["list", "numeric", "save", "stats", "rate"] });
  const found = rulesOfNode(context, "ipvs");
  if (typeof found === "number") return found;
  const lines = (found.mode === "ipvs" ? found.kernel : "").split("\n").filter((line) => /^-[Aa] /.test(line));
  if (hasOption(options, "S", "save")) {
    context.out(lines.map((line) => `${line}\n`).join(""));
    return 0;
  }
  if (options.problem || hasOption(options, "C")) {
    context.err("ipvsadm: the virtual servers of an emulated node are kube-proxy's: they are shown, not changed\n");
    return 2;
  }
  context.out("IP Virtual Server version 1.2.1 (size=4096)\nProt LocalAddress:Port Scheduler Flags\n");
  context.out("  -> RemoteAddress:Port           Forward Weight ActiveConn InActConn\n");
  for (const line of lines) context.out(`${listed(line.split(" "))}\n`);
  return 0;
};

function listed(words: readonly string[]): string {
  const after = (flag: string): string | undefined => (words.includes(flag) ? words[words.indexOf(flag) + 1] : undefined);
  if (words[0] === "-A") {
    const persistence = after("-p");
    return `${protocols[words[1] ?? ""] ?? "FWM"}  ${words[2]} ${after("-s")}${persistence === undefined ? "" : ` persistent ${persistence}`}`;
  }
  const how = forwarding[words.find((word) => word in forwarding) ?? ""] ?? "Route";
  return `  -> ${(after("-r") ?? "").padEnd(28)} ${how.padEnd(7)} ${(after("-w") ?? "1").padEnd(6)} ${"0".padEnd(10)} ${"0".padEnd(10)}`;
}
