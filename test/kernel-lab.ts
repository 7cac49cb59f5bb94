/**
 * A node, its pods, other machines and a client as network namespaces of a real kernel, with servers and senders in
 * them. Rules are loaded into the node's namespace; nothing outside the namespaces is touched.
 *
 * Needs root, `ip`, iptables, nft and ping; `whyNot` says what is missing. All names carry a prefix of their own, and
 * `close` takes everything away again.
 */
import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { join } from "node:path";
import readline from "node:readline";
import type { Protocol } from "../durable-objects/cluster/api/network.ts";

/** Machines by the name of their namespace, each with its addresses; all but the node hang on the node. */
const machines = {
  "pod-1": ["10.244.0.5"],
  "pod-2": ["10.244.0.6"],
  client: ["10.244.0.200"],
  /** The other node with its pods. */
  far: ["192.168.10.12", "10.244.1.5", "10.244.1.6", "10.244.1.7", "10.244.1.200"],
  outside: ["203.0.113.7"],
  partner: ["203.0.113.99"],
  /** Where packets end that leave the node by its default route; it answers for every virtual address. */
  beyond: ["192.0.2.1"],
} as const;

export type Machine = keyof typeof machines | "node";

const nodeIP = "192.168.10.11";
/** The neighbour that all machines send to; an address of the node that no Service knows. */
const gateway = "169.254.0.1";
const virtualRanges = ["10.96.0.0/12", "198.51.100.0/24", "192.168.10.240/28"];

export interface Flow {
  /** TCP, UDP or ICMP; nobody speaks SCTP here. */
  protocol: Protocol;
  dst: string;
  port?: number;
  /** Source address to bind to, where the machine has several. */
  src?: string;
  count: number;
  waitMs: number;
}

export interface Server {
  protocol: "TCP" | "UDP";
  ip: string;
  port: number;
}

/** Why this machine cannot run the lab; `undefined` where it can. */
export function whyNot(): string | undefined {
  if (process.platform !== "linux") return "no Linux";
  if (process.getuid?.() !== 0) return "not root";
  const commands = ["ip", "iptables-restore", "nft", "ping"];
  const missing = commands.find((command) => !works("sh", ["-c", `command -v ${command}`]));
  if (missing !== undefined) return `no ${missing}`;
  const probe = `kbm-${process.pid}-probe`;
  if (!works("ip", ["netns", "add", probe])) return "no network namespaces";
  try {
    const inside = (...command: string[]) => works("ip", ["netns", "exec", probe, ...command]);
    if (!inside("iptables", "-t", "nat", "-A", "OUTPUT", "-m", "statistic", "--mode", "random", "--probability", "0.5")) {
      return "no iptables in the kernel";
    }
    return inside("nft", "add", "table", "ip", "probe") ? undefined : "no nftables in the kernel";
  } finally {
    works("ip", ["netns", "delete", probe]);
  }
}

function works(command: string, args: string[]): boolean {
  try {
    execFileSync(command, args, { stdio: "ignore" });
    return true;
  } catch {
    return false;
  }
}

export class KernelLab {
  readonly #prefix = `kbm-${process.pid}-`;
  readonly #agents = new Map<Machine, Agent>();

  /** Makes the machines and starts their servers. */
  async open(servers: Partial<Record<Machine, readonly Server[]>>): Promise<void> {
    this.#netns("add", "node");
    this.#sh("node", [
      "ip link set lo up",
      `ip addr add ${nodeIP}/32 dev lo`,
      ...["ip_forward", "conf/all/route_localnet"].map((name) => `echo 1 > /proc/sys/net/ipv4/${name}`),
      ...["all", "default"].map((name) => `echo 0 > /proc/sys/net/ipv4/conf/${name}/rp_filter`),
      "echo 0 > /proc/sys/net/ipv4/icmp_ratemask",
    ]);
    for (const [at, [name, addresses]] of Object.entries(machines).entries()) this.#connect(name as Machine, addresses, at);
    await Promise.all(
      (["node", ...Object.keys(machines)] as Machine[]).map(async (name) => {
        const agent = new Agent(this.#name(name));
        this.#agents.set(name, agent);
        await agent.ask({ do: "listen", servers: servers[name] ?? [] });
      }),
    );
  }

  #connect(name: Machine, addresses: readonly string[], at: number): void {
    this.#netns("add", name);
    const near = `v${at}`;
    execFileSync("ip", ["-n", this.#name("node"), "link", "add", near, "type", "veth", "peer", "name", "eth0", "netns", this.#name(name)]);
    this.#sh(name, [
      "ip link set lo up",
      "ip link set eth0 up",
      ...addresses.map((ip) => `ip addr add ${ip}/32 dev eth0`),
      `ip route add ${gateway} dev eth0 scope link`,
      `ip route add default via ${gateway} dev eth0`,
      "echo 0 > /proc/sys/net/ipv4/icmp_ratemask",
      ...["all", "eth0"].map((device) => `echo 0 > /proc/sys/net/ipv4/conf/${device}/rp_filter`),
      ...(name === "beyond" ? virtualRanges.map((range) => `ip route add local ${range} dev lo`) : []),
    ]);
    this.#sh("node", [
      `ip link set ${near} up`,
      `ip addr add ${gateway}/32 dev ${near} scope link`,
      `echo 0 > /proc/sys/net/ipv4/conf/${near}/rp_filter`,
      `echo 1 > /proc/sys/net/ipv4/conf/${near}/route_localnet`,
      ...addresses.map((ip) => `ip route add ${ip} dev ${near} src ${nodeIP}`),
      ...(name === "beyond" ? [`ip route add default via ${addresses[0]} dev ${near} src ${nodeIP}`] : []),
    ]);
  }

  /** Puts these rules in the place of all others, and forgets all connections. */
  load(mode: "iptables" | "nftables", text: string): void {
    this.#sh("node", ["iptables -F", "iptables -t nat -F", "iptables -X", "iptables -t nat -X", "nft flush ruleset"]);
    const [command, ...args] = mode === "iptables" ? ["iptables-restore"] : ["nft", "-f", "-"];
    this.#exec("node", [command!, ...args], text);
  }

  /** What came back of each flow: what the server said (`reached-address seen-address`), `refused` or `silence`. */
  async send(from: Machine, { count, ...flow }: Flow): Promise<string[]> {
    const { answers } = await this.#agents.get(from)!.ask({ do: "send", count, atOnce: 16, ...flow });
    return answers as string[];
  }

  close(): void {
    for (const agent of this.#agents.values()) agent.close();
    for (const name of ["node", ...Object.keys(machines)] as Machine[]) works("ip", ["netns", "delete", this.#name(name)]);
  }

  #name(machine: Machine): string {
    return `${this.#prefix}${machine}`;
  }

  #netns(what: "add", machine: Machine): void {
    execFileSync("ip", ["netns", what, this.#name(machine)]);
  }

  #sh(machine: Machine, commands: readonly string[]): void {
    this.#exec(machine, ["sh", "-ec", commands.join("\n")]);
  }

  #exec(machine: Machine, command: string[], input?: string): void {
    execFileSync("ip", ["netns", "exec", this.#name(machine), ...command], { input, stdio: ["pipe", "ignore", "pipe"] });
  }
}

/** The script in one namespace, asked and answered line by line. */
class Agent {
  readonly #process: ChildProcess;
  readonly #waiting = new Map<number, (answer: { error?: string; answers?: unknown }) => void>();
  #asked = 0;

  constructor(namespace: string) {
    const script = join(import.meta.dirname, "kernel-agent.mjs");
    this.#process = spawn("ip", ["netns", "exec", namespace, process.execPath, script], { stdio: ["pipe", "pipe", "inherit"] });
    readline.createInterface({ input: this.#process.stdout! }).on("line", (line) => {
      const { id, ...answer } = JSON.parse(line) as { id: number };
      this.#waiting.get(id)?.(answer);
      this.#waiting.delete(id);
    });
  }

  ask(job: object): Promise<{ answers?: unknown }> {
    const id = ++this.#asked;
    this.#process.stdin!.write(`${JSON.stringify({ id, ...job })}\n`);
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, (answer) => (answer.error === undefined ? resolve(answer) : reject(new Error(answer.error))));
    });
  }

  /** Ends with its stdin, and by signal where it does not. */
  close(): void {
    this.#process.stdin!.end();
    this.#process.kill();
  }
}
