/**
 * Compares the emulated kube-proxy with the captures of the real one, file by file and byte by byte, and the walk over
 * its rules with what real connections did.
 *
 * Plays the lab of `test/golden/proxy/README.md`; knows no expected text of its own.
 */
import { existsSync } from "node:fs";
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { parseAllDocuments } from "yaml";
import type { Change } from "../durable-objects/cluster/api/change-tracker.ts";
import { type EndpointSlice, type KubeObject, keyOf, type Node, type Service } from "../durable-objects/cluster/api/objects.ts";
import { type ConntrackEntry, needsCleanup, staleEntries } from "../durable-objects/cluster/kube-proxy/conntrack.ts";
import { healthChecks } from "../durable-objects/cluster/kube-proxy/health-check.ts";
import { jumps, type NodeContext, nodeContext, PortCache } from "../durable-objects/cluster/kube-proxy/iptables/compile-rules.ts";
import { IptablesSync } from "../durable-objects/cluster/kube-proxy/iptables/iptables-sync.ts";
import { IptablesRules } from "../durable-objects/cluster/kube-proxy/iptables/node-rules.ts";
import { printEnsured, printRestore, printState } from "../durable-objects/cluster/kube-proxy/iptables/print-rules.ts";
import { defaultProxyOptions, type ProxyOptions } from "../durable-objects/cluster/kube-proxy/proxy-options.ts";
import type { Family, NodeRules } from "../durable-objects/cluster/kube-proxy/rule-set.ts";
import { ServiceMap } from "../durable-objects/cluster/kube-proxy/service-map.ts";
import { compareTraffic, type TrafficLine } from "./golden-proxy-traffic.ts";

export interface ProxyComparison {
  matched: number;
  total: number;
  /** Files that the capture's index names and the folder does not have. */
  missing: string[];
  failures: { case: string; file: string; firstDifference: string }[];
}

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
  forceFullSync?: boolean;
  conntrack?: ConntrackEntry[];
}

/** One capture read in. */
interface ProxyCase {
  options: ProxyOptions;
  families: Family[];
  conntrack: ConntrackEntry[];
  objects: KubeObject[];
  steps: Step[];
}

/** Runs every case folder below `goldenDir/proxy`. One file is one comparison; in `traffic.json` one line is. */
export async function compareProxy(goldenDir: string): Promise<ProxyComparison> {
  const proxy = join(goldenDir, "proxy");
  const folders = (await readdir(proxy, { withFileTypes: true })).filter((entry) => entry.isDirectory()).map((entry) => entry.name);
  const result: ProxyComparison = { matched: 0, total: 0, missing: await missingFiles(proxy), failures: [] };
  for (const folder of folders.sort()) await compareCase(join(proxy, folder), folder, result);
  return result;
}

async function missingFiles(proxy: string): Promise<string[]> {
  if (!existsSync(join(proxy, "index.json"))) return ["index.json"];
  const index = JSON.parse(await readFile(join(proxy, "index.json"), "utf8")) as { name: string; files: string[] }[];
  return index.flatMap(({ name, files }) => files.map((file) => `${name}/${file}`)).filter((file) => !existsSync(join(proxy, file)));
}

async function compareCase(directory: string, name: string, result: ProxyComparison): Promise<void> {
  if (!existsSync(join(directory, "input.yaml"))) return;
  const input = parseCase(await readFile(join(directory, "input.yaml"), "utf8"));
  const outputs = new Map<string, () => string>();
  const rules: NodeRules[] = [];
  for (const family of input.families) {
    const lab = new Lab(input, family);
    const suffix = family === "IPv6" ? ".v6" : "";
    rules.push(lab.rules);
    for (const [file, print] of Object.entries(lab.outputs())) outputs.set(file.replace(/\.txt$/, `${suffix}.txt`), print);
  }
  outputs.set("health.txt", () => input.families.map((family) => new Lab(input, family).health()).join(""));
  for (const [file, print] of outputs) {
    if (!existsSync(join(directory, file))) continue;
    count(result, name, file, firstDifference(print(), await readFile(join(directory, file), "utf8")));
  }
  if (existsSync(join(directory, "traffic.json"))) {
    const lines = JSON.parse(await readFile(join(directory, "traffic.json"), "utf8")) as TrafficLine[];
    for (const line of lines) {
      const one = rules.find((candidate) => candidate.mode === line.mode && candidate.family === line.family);
      if (one !== undefined) count(result, name, "traffic.json", compareTraffic(line, one, input.options, input.objects));
    }
  }
}

function count(result: ProxyComparison, name: string, file: string, difference: string | undefined): void {
  result.total += 1;
  if (difference === undefined) result.matched += 1;
  else result.failures.push({ case: name, file, firstDifference: difference });
}

/** `undefined` where the texts are equal byte for byte. */
function firstDifference(ours: string, theirs: string): string | undefined {
  if (ours === theirs) return undefined;
  const [a, b] = [ours.split("\n"), theirs.split("\n")];
  const at = a.findIndex((line, index) => line !== b[index]);
  const line = at === -1 ? a.length : at;
  return `line ${line + 1}: ours ${JSON.stringify(a[line])}, captured ${JSON.stringify(b[line])}`;
}

function parseCase(text: string): ProxyCase {
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
class Lab {
  readonly rules: NodeRules;
  readonly #input: ProxyCase;
  readonly #map: ServiceMap;
  readonly #ports = new PortCache();
  readonly #objects = new Map<string, KubeObject>();
  #context: NodeContext;

  constructor(input: ProxyCase, family: Family) {
    this.#input = input;
    this.#map = new ServiceMap(family);
    this.#context = nodeContext(input.options, undefined, family);
    this.#change(input.objects, []);
    this.rules = new IptablesRules(this.#context, this.#ports.compile(this.#map.entries(), this.#context));
  }

  outputs(): Record<string, () => string> {
    const first = new IptablesSync();
    const initial = first.sync(this.#context, this.#compiled());
    return {
      "iptables.ensure.txt": () => printEnsured(jumps),
      "iptables.txt": () => this.rules.print("sync"),
      "iptables.state.txt": () => printState(first.tables),
      "iptables.kernel.txt": () => this.rules.print("kernel"),
      "iptables.steps.txt": () => this.#steps(first, printRestore(initial.input)),
    };
  }

  health(): string {
    let text = this.#health("initial");
    for (const [at, step] of this.#input.steps.entries()) {
      this.#change(step.apply ?? [], step.delete ?? []);
      text += this.#health(`after step ${at + 1} ${step.name}`);
    }
    return text;
  }

  #health(when: string): string {
    const checks = healthChecks(this.#map.entries(), this.#input.options.nodeName);
    if (checks.length === 0) return "";
    const lines = checks.map(
      (check) => `${check.namespace}/${check.service} healthCheckNodePort=${check.port} localEndpoints=${check.localEndpoints}\n`,
    );
    return `# ${when} ${this.#map.family}\n${lines.join("")}`;
  }

  #steps(sync: IptablesSync, _initial: string): string {
    const table = [...this.#input.conntrack];
    const initial = this.#input.objects.filter((object) => object.kind === "EndpointSlice");
    let text = `#@ step 0 initial sync: see iptables.txt\n${this.#cleanup(
      table,
      initial.map((after) => ({ before: undefined, after: after as EndpointSlice })),
    )}`;
    for (const [at, step] of this.#input.steps.entries()) {
      table.push(...(step.conntrack ?? []));
      const zone = this.#context.at.zone;
      const { changed, slices } = this.#change(step.apply ?? [], step.delete ?? []);
      const full = step.forceFullSync === true || zone !== this.#context.at.zone;
      const done = sync.sync(this.#context, this.#compiled(), full ? undefined : changed);
      text += `#@ step ${at + 1} ${step.name}\n#@ iptables-restore input (${done.full ? "full" : "partial"} sync)\n${printRestore(done.input)}`;
      text += this.#cleanup(table, slices);
    }
    return `${text}#@ final state\n${printState(sync.tables)}`;
  }

  #cleanup(table: ConntrackEntry[], slices: Change<EndpointSlice>[]): string {
    if (!slices.some((change) => needsCleanup(change, this.#map.family))) return "";
    const stale = staleEntries(table, this.#map.entries());
    const head = `#@ conntrack\nlist table=conntrack entries=${table.length}\n`;
    for (const entry of stale) table.splice(table.indexOf(entry), 1);
    return head + (stale.length === 0 ? "delete nothing\n" : stale.map(deletedEntry).join(""));
  }

  #compiled() {
    return this.#ports.compile(this.#map.entries(), this.#context);
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
    const changed = this.#map.apply(of<Service>("Service"), slices);
    const node = this.#objects.get(`Node ${this.#input.options.nodeName}`) as Node | undefined;
    this.#context = nodeContext(this.#input.options, node, this.#map.family);
    return { changed, slices };
  }
}

const objectKey = (object: KubeObject): string => `${object.kind} ${keyOf(object)}`;

const deletedEntry = (entry: ConntrackEntry): string =>
  `delete ${entry.protocol.toLowerCase()} src=${entry.src} dst=${entry.dst} sport=${entry.srcPort} dport=${entry.dstPort}` +
  ` reply-src=${entry.replySrc} reply-dst=${entry.replyDst} reply-sport=${entry.replySrcPort} reply-dport=${entry.replyDstPort}\n`;
