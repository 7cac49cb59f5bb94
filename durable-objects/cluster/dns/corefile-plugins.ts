/**
 * What the directives of a Corefile mean: for each zone a chain of plugins, and a list of what has no effect here.
 *
 * The order in which plugins see a question is that of the real server, whatever their order in the file.
 */
import { CorefileError, type Directive, parseCorefile, type ServerBlock } from "./corefile.ts";
import { cache } from "./plugins/cache.ts";
import { forward } from "./plugins/forward.ts";
import { hosts } from "./plugins/hosts.ts";
import { kubernetes } from "./plugins/kubernetes.ts";
import type { Installed, Plugin } from "./plugins/plugin.ts";
import { rewrite } from "./plugins/rewrite.ts";
import { template } from "./plugins/template.ts";
import { zoneName } from "./zone-name.ts";

const plugins: readonly Plugin[] = [cache, rewrite, template, hosts, kubernetes, forward];

/** They change no answer, or nothing that can be seen from outside. `loadbalance` is honoured by the server itself. */
const accepted = new Set(["errors", "log", "health", "ready", "prometheus", "loop", "reload", "loadbalance", "debug", "cancel"]);

/** What the real server was built with, beyond the above. */
const otherPlugins = new Set([
  ...["acl", "any", "auto", "autopath", "azure", "bind", "bufsize", "chaos", "clouddns", "dns64", "dnssec", "dnstap", "erratic"],
  ...["etcd", "file", "geoip", "grpc", "grpc_server", "header", "https", "https3", "k8s_external", "local", "metadata", "minimal"],
  ...["multisocket", "nomad", "nsid", "on", "pprof", "quic", "root", "route53", "secondary", "sign", "timeouts", "tls", "trace"],
  ...["transfer", "tsig", "view", "whoami"],
]);

export interface ServerConfig {
  /** Absolute and in lower case. */
  zone: string;
  loadbalance: boolean;
  /** In the order in which they see a question. */
  chain: readonly Installed[];
}

export interface DnsConfig {
  servers: readonly ServerConfig[];
  /** What the file asks for and has no effect: `autopath`, `cache: prefetch`. */
  notEmulated: readonly string[];
}

/** @returns what CoreDNS logs before it gives up, instead of a configuration */
export function readCorefile(text: string): DnsConfig | CorefileError {
  try {
    const notEmulated = new Set<string>();
    const note = (what: string): void => void notEmulated.add(what);
    const blocks = parseCorefile(text);
    const servers = blocks.flatMap((block) => serversOf(block, note));
    const twice = servers.find(({ zone }, index) => servers.findIndex((other) => other.zone === zone) !== index);
    if (twice !== undefined)
      throw new CorefileError(blocks.at(-1)?.line ?? 1, `cannot serve dns://${twice.zone}:53 - it is already defined`);
    return { servers, notEmulated: [...notEmulated] };
  } catch (error) {
    if (error instanceof CorefileError) return error;
    throw error;
  }
}

/** What CoreDNS logs before it gives up; `undefined`: it starts. */
export function corefileProblem(text: string): string | undefined {
  const read = readCorefile(text);
  return read instanceof CorefileError ? read.message : undefined;
}

function serversOf({ keys, directives, line }: ServerBlock, note: (what: string) => void): ServerConfig[] {
  if (keys.length === 0) throw new CorefileError(line, "a server block needs a zone");
  for (const directive of directives) {
    const { name } = directive;
    if (plugins.some((plugin) => plugin.name === name) || accepted.has(name)) continue;
    if (!otherPlugins.has(name)) throw new CorefileError(directive.line, `Unknown directive '${name}'`);
    note(name);
  }
  const balancing = directives.filter(({ name }) => name === "loadbalance");
  const weighted = balancing.find(({ args }) => args.length > 0 && args[0] !== "round_robin");
  if (weighted !== undefined) note(`loadbalance: ${weighted.args[0]}`);
  return keys
    .flatMap((key) => zonesOf(key, note))
    .map((zone) => ({ zone, loadbalance: balancing.length > 0, chain: chainOf(directives, zone, note) }));
}

function chainOf(directives: readonly Directive[], zone: string, note: (what: string) => void): Installed[] {
  return plugins.flatMap((plugin) => {
    const own = directives.filter(({ name }) => name === plugin.name);
    return own.length === 0 ? [] : [plugin.read(own, zone, note)];
  });
}

/** `.:53`, `dns://cluster.local`, `example.org:5353`. Only plain DNS on port 53 is what pods can ask. */
function zonesOf(key: string, note: (what: string) => void): string[] {
  const [, scheme = "dns", host = "", port = "53"] = /^(?:(\w+):\/\/)?(.*?)(?::(\d+))?$/.exec(key) ?? [];
  if (scheme === "dns" && port === "53" && !host.includes("/")) return [zoneName(host === "" ? "." : host)];
  note(`the server ${key}`);
  return [];
}
