/**
 * Plays the lab of `test/golden/proxy/README.md`: one node's kube-proxy in each mode, fed with the manifests and steps of
 * a case, and what it prints.
 */
import { parseAllDocuments } from "yaml";
import type { Change } from "../durable-objects/cluster/api/change-tracker.ts";
import { type EndpointSlice, type KubeObject, keyOf, type Node, type Service } from "../durable-objects/cluster/api/objects.ts";
import { type ConntrackEntry, needsCleanup, staleEntries } from "../durable-objects/cluster/kube-proxy/conntrack.ts";
import { healthChecks } from "../durable-objects/cluster/kube-proxy/health-check.ts";
import * as iptables from "../durable-objects/cluster/kube-proxy/iptables/compile-rules.ts";
import { IptablesSync } from "../durable-objects/cluster/kube-proxy/iptables/iptables-sync.ts";
import { IptablesRules } from "../durable-objects/cluster/kube-proxy/iptables/node-rules.ts";
import { printEnsured, printRestore, printState } from "../durable-objects/cluster/kube-proxy/iptables/print-rules.ts";
import * as ipvs from "../durable-objects/cluster/kube-proxy/ipvs/compile-ipvs.ts";
import { printEnsured as ipvsEnsured } from "../durable-objects/cluster/kube-proxy/ipvs/ensure-jumps.ts";
import { IpvsSync } from "../durable-objects/cluster/kube-proxy/ipvs/ipvs-sync.ts";
import { IpvsRules } from "../durable-objects/cluster/kube-proxy/ipvs/node-rules.ts";
import { printState as printVirtualServers } from "../durable-objects/cluster/kube-proxy/ipvs/print-ipvs.ts";
import * as nftables from "../durable-objects/cluster/kube-proxy/nftables/compile-rules.ts";
import { NftablesSync } from "../durable-objects/cluster/kube-proxy/nftables/nftables-sync.ts";
import { NftablesRules } from "../durable-objects/cluster/kube-proxy/nftables/node-rules.ts";
import { printState as printTable, printTransaction } from "../durable-objects/cluster/kube-proxy/nftables/print-rules.ts";
import { defaultProxyOptions, type ProxyOptions } from "../durable-objects/cluster/kube-proxy/proxy-options.ts";
import type { Family, NodeRules } from "../durable-objects/cluster/kube-proxy/rule-set.ts";
import { ServiceMap } from "../durable-objects/cluster/kube-proxy/service-map.ts";

/** The first document of an `input.yaml`. */
interface CaseOptions extends Partial<ProxyOptions> {
  nodeName: string;
  nodeIPs: string[];
  detectLocal: ProxyOptions["detectLocal"];
  families: Family[];
  modes?: string[];
  conntrack?: ConntrackEntry[];
}

interface Step {
  kind: "Step";
  name: string;
  apply?: KubeObject[];
  delete?: { kind: string; namespace?: string; name: string }[];
  /** Since the last sync; `2s` where absent. */
  elapsed?: string;
  forceFullSync?: boolean;
  ipvsConnections?: { realServer: string; active?: number; inactive?: number }[];
  ipvsGracefulTick?: boolean;
  conntrack?: ConntrackEntry[];
}

/** One capture read in. */
export interface ProxyCase {
  options: ProxyOptions;
  families: Family[];
  conntrack: ConntrackEntry[];
  objects: KubeObject[];
  steps: Step[];
}

export function parseCase(text: string): ProxyCase {
  const [first, ...rest] = parseAllDocuments(text).map((document) => document.toJS());
  const { families, modes: _modes, conntrack, ...options } = first as CaseOptions;
  return {
    options: { ...defaultProxyOptions, ...options },
    families,
    conntrack: conntrack ?? [],
    objects: rest.filter((document) => document.kind !== "Step"),
    steps: rest.filter((document) => document.kind === "Step"),
  };
}

/** One node's kube-proxy of one family, fed with the manifests of a case and then its steps. */
abstract class Lab {
  protected readonly input: ProxyCase;
  protected readonly map: ServiceMap;
  protected node: Node | undefined;
  readonly #objects = new Map<string, KubeObject>();

  constructor(input: ProxyCase, family: Family) {
    this.input = input;
    this.map = new ServiceMap(family);
    this.#change(input.objects, []);
  }

  /** The rules as they are now. */
  abstract rules(): NodeRules;

  /** The text of one of the lab's files, named without a family. */
  abstract print(file: string): string;

  health(): string {
    let text = this.#healthBlock("initial");
    for (const [at, step] of this.input.steps.entries()) {
      this.#change(step.apply ?? [], step.delete ?? []);
      text += this.#healthBlock(`after step ${at + 1} ${step.name}`);
    }
    return text;
  }

  /** Plays all steps. `sync` writes one, with the Services changed since the last, or with nothing for a full sync. */
  protected steps(firstFile: string, sync: (now: number, changed: ReadonlySet<string> | undefined, step?: Step) => string): string {
    const table = [...this.input.conntrack];
    const slices = this.input.objects.filter((object): object is EndpointSlice => object.kind === "EndpointSlice");
    sync(0, undefined);
    let text = `#@ step 0 initial sync: see ${firstFile}\n${this.#cleanup(
      table,
      slices.map((after) => ({ before: undefined, after })),
    )}`;
    let now = 0;
    for (const [at, step] of this.input.steps.entries()) {
      now += Number.parseInt(step.elapsed ?? "2s", 10) * 1000;
      table.push(...(step.conntrack ?? []));
      const before = this.#zone();
      const { changed, slices } = this.#change(step.apply ?? [], step.delete ?? []);
      const full = step.forceFullSync === true || before !== this.#zone();
      text += `#@ step ${at + 1} ${step.name}\n${sync(now, full ? undefined : changed, step)}${this.#cleanup(table, slices)}`;
    }
    return text;
  }

  #zone(): string | undefined {
    return this.node?.metadata.labels?.["topology.kubernetes.io/zone"];
  }

  #healthBlock(when: string): string {
    const checks = healthChecks(this.map.entries(), this.input.options.nodeName);
    if (checks.length === 0) return "";
    const lines = checks.map(
      (check) => `${check.namespace}/${check.service} healthCheckNodePort=${check.port} localEndpoints=${check.localEndpoints}\n`,
    );
    return `# ${when} ${this.map.family}\n${lines.join("")}`;
  }

  #cleanup(table: ConntrackEntry[], slices: Change<EndpointSlice>[]): string {
    if (!slices.some((change) => needsCleanup(change, this.map.family))) return "";
    const stale = staleEntries(table, this.map.entries());
    const head = `#@ conntrack\nlist table=conntrack entries=${table.length}\n`;
    for (const entry of stale) table.splice(table.indexOf(entry), 1);
    return head + (stale.length === 0 ? "delete nothing\n" : stale.map(deletedEntry).join(""));
  }

  #change(apply: KubeObject[], remove: { kind: string; namespace?: string; name: string }[]) {
    const changes: Change<KubeObject>[] = apply.map((after) => ({ before: this.#objects.get(objectKey(after)), after }));
    for (const { kind, namespace, name } of remove) {
      changes.push({ before: this.#objects.get(`${kind} ${namespace === undefined ? name : `${namespace}/${name}`}`), after: undefined });
    }
    for (const { before, after } of changes) {
      if (after === undefined) this.#objects.delete(objectKey(before!));
      else this.#objects.set(objectKey(after), after);
    }
    const of = <T extends KubeObject>(kind: string) =>
      changes.filter(({ before, after }) => (after ?? before)!.kind === kind) as Change<T>[];
    const slices = of<EndpointSlice>("EndpointSlice");
    const changed = this.map.apply(of<Service>("Service"), slices);
    this.node = this.#objects.get(`Node ${this.input.options.nodeName}`) as Node | undefined;
    return { changed, slices };
  }
}

export class IptablesLab extends Lab {
  static readonly files = ["iptables.ensure.txt", "iptables.txt", "iptables.state.txt", "iptables.kernel.txt", "iptables.steps.txt"];

  rules(): NodeRules {
    return new IptablesRules(...this.#compiled());
  }

  print(file: string): string {
    switch (file) {
      case "iptables.ensure.txt":
        return printEnsured(iptables.jumps);
      case "iptables.txt":
        return this.rules().print("sync");
      case "iptables.state.txt":
        return this.#state();
      case "iptables.kernel.txt":
        return this.rules().print("kernel");
      default:
        return this.#steps();
    }
  }

  #compiled() {
    const context = iptables.nodeContext(this.input.options, this.node, this.map.family);
    return [context, new iptables.IptablesPorts().compile(this.map.entries(), context)] as const;
  }

  #state(): string {
    const sync = new IptablesSync();
    sync.sync(...this.#compiled());
    return printState(sync.tables);
  }

  #steps(): string {
    const sync = new IptablesSync();
    const text = this.steps("iptables.txt", (_now, changed) => {
      const { full, input } = sync.sync(...this.#compiled(), changed);
      return `#@ iptables-restore input (${full ? "full" : "partial"} sync)\n${printRestore(input)}`;
    });
    return `${text}#@ final state\n${printState(sync.tables)}`;
  }
}

class NftablesLab extends Lab {
  static readonly files = ["nftables.tx.txt", "nftables.txt", "nftables.kernel.txt", "nftables.steps.txt"];

  rules(): NodeRules {
    return new NftablesRules(...this.#compiled());
  }

  print(file: string): string {
    switch (file) {
      case "nftables.tx.txt":
        return this.rules().print("sync");
      case "nftables.txt":
        return this.#state();
      case "nftables.kernel.txt":
        return this.rules().print("kernel");
      default:
        return this.#steps();
    }
  }

  #compiled() {
    const context = nftables.nodeContext(this.input.options, this.node, this.map.family);
    return [context, new nftables.NftablesPorts().compile(this.map.entries(), context)] as const;
  }

  #state(): string {
    const sync = new NftablesSync();
    sync.sync(...this.#compiled(), 0);
    return printTable(sync.table, this.map.family);
  }

  #steps(): string {
    const sync = new NftablesSync();
    const text = this.steps("nftables.tx.txt", (now, changed) => {
      const { full, transactions } = sync.sync(...this.#compiled(), now, changed);
      const head = (at: number) => `#@ nft transaction ${at + 1} of ${transactions.length} (${full ? "full" : "partial"} sync)\n`;
      return transactions.map((commands, at) => head(at) + printTransaction(commands, this.map.family)).join("");
    });
    return `${text}#@ final state\n${printTable(sync.table, this.map.family)}`;
  }
}

class IpvsLab extends Lab {
  static readonly files = ["ipvs.ensure.txt", "ipvs.txt", "ipvs.steps.txt"];

  rules(): NodeRules {
    return new IpvsRules(...this.#compiled());
  }

  print(file: string): string {
    switch (file) {
      case "ipvs.ensure.txt":
        return ipvsEnsured();
      case "ipvs.txt":
        return this.rules().print("sync");
      default:
        return this.#steps();
    }
  }

  #compiled() {
    const context = ipvs.nodeContext(this.input.options, this.node, this.map.family);
    return [context, new ipvs.IpvsPorts().compile(this.map.entries(), context)] as const;
  }

  #steps(): string {
    const ipvsSync = new IpvsSync();
    const counters = new Map<string, number>();
    const connections = (realServer: string) => counters.get(realServer) ?? 0;
    let wanted = ipvs.compileIpvs(...this.#compiled());
    const text = this.steps("ipvs.txt", (_now, _changed, step) => {
      for (const { realServer, active = 0, inactive = 0 } of step?.ipvsConnections ?? []) counters.set(realServer, active + inactive);
      const ticked = step?.ipvsGracefulTick ? ipvsSync.tick(connections) : [];
      const [context, ports] = this.#compiled();
      wanted = ipvs.compileIpvs(context, ports);
      const { operations, iptables } = ipvsSync.sync(context, wanted, connections);
      return `#@ operations\n${[...ticked, ...operations].map((line) => `${line}\n`).join("")}#@ iptables-restore input\n${iptables}`;
    });
    return `${text}#@ final state\n${printVirtualServers(ipvsSync.state(wanted), this.map.family)}`;
  }
}

export const labs = [IptablesLab, NftablesLab, IpvsLab];

const objectKey = (object: KubeObject): string => `${object.kind} ${keyOf(object)}`;

const deletedEntry = (entry: ConntrackEntry): string =>
  `delete ${entry.protocol.toLowerCase()} src=${entry.src} dst=${entry.dst} sport=${entry.srcPort} dport=${entry.dstPort}` +
  ` reply-src=${entry.replySrc} reply-dst=${entry.replyDst} reply-sport=${entry.replySrcPort} reply-dport=${entry.replyDstPort}\n`;
