/**
 * `kubernetes [ZONES...]`: answers from the cluster's Services, endpoints and pods.
 *
 * What a name means is `cluster-zone.ts`; here is read how it is set up, and what becomes of names that do not exist.
 *
 * @see https://coredns.io/plugins/kubernetes/
 */
import { ClusterZone, type PodMode } from "../cluster-zone.ts";
import { CorefileError, type Directive, wrongArguments } from "../corefile.ts";
import { isReverse, zoneNames } from "../zone-name.ts";
import { emptyMessage, type Fallthrough, fallsThrough, type Handler, type Plugin } from "./plugin.ts";

export interface KubernetesSettings {
  zones: readonly string[];
  pods: PodMode;
  ttl: number;
  fallthrough: Fallthrough;
}

const podModes: readonly string[] = ["disabled", "insecure", "verified"];
const withoutEffect = new Set([
  "endpoint",
  "tls",
  "kubeconfig",
  "apiserver_qps",
  "apiserver_burst",
  "apiserver_max_inflight",
  "namespaces",
  "labels",
  "namespace_labels",
  "endpoint_pod_names",
  "noendpoints",
  "ignore",
  "startup_timeout",
  "multicluster",
]);

export const kubernetes: Plugin = {
  name: "kubernetes",
  read(directives, serverZone, notEmulated) {
    const [first, second] = directives as [Directive, ...Directive[]];
    if (second !== undefined) throw new CorefileError(second.line, "this plugin can only be used once per Server Block", "kubernetes");
    const settings = settingsOf(first, serverZone, notEmulated);
    return (next, { tables, dnsServiceIP, ask }) => answering(new ClusterZone({ ...settings, dnsServiceIP, tables }), settings, next, ask);
  },
};

function settingsOf({ args, block, line }: Directive, serverZone: string, notEmulated: (what: string) => void): KubernetesSettings {
  const settings: KubernetesSettings = { zones: zoneNames(args, serverZone), pods: "disabled", ttl: 5, fallthrough: [] };
  if (settings.zones.every(isReverse)) throw new CorefileError(line, "non-reverse zone name must be used", "kubernetes");
  for (const { words, line: at } of block) {
    const [property = "", ...values] = words;
    const [value = ""] = values;
    if (property === "pods") {
      if (values.length !== 1) throw wrongArguments(at, values.at(-1) ?? property, "kubernetes");
      if (!podModes.includes(value))
        throw new CorefileError(at, `wrong value for pods: ${value},  must be one of: disabled, verified, insecure`, "kubernetes");
      settings.pods = value as PodMode;
    } else if (property === "ttl") {
      if (values.length === 0) throw wrongArguments(at, property, "kubernetes");
      if (!/^-?\d+$/.test(value))
        throw new CorefileError(at, `strconv.Atoi: parsing ${JSON.stringify(value)}: invalid syntax`, "kubernetes");
      if (Number(value) < 0 || Number(value) > 3600) throw new CorefileError(at, `ttl must be in range [0, 3600]: ${value}`, "kubernetes");
      settings.ttl = Number(value);
    } else if (property === "fallthrough") settings.fallthrough = zoneNames(values, ".");
    else if (withoutEffect.has(property)) notEmulated(`kubernetes: ${property}`);
    else throw new CorefileError(at, `unknown property '${property}'`, "kubernetes");
  }
  return settings;
}

function answering(zone: ClusterZone, { fallthrough }: KubernetesSettings, next: Handler, ask: Handler): Handler {
  return (query) => {
    const { question, now } = query;
    let outside = false;
    const found = zone.lookup(question.name, question.type, (name, type) => {
      const inner = { question: { ...question, name, type }, now, lasting: true };
      const message = ask(inner);
      query.lasting &&= inner.lasting;
      outside ||= message.outside;
      return message.answer;
    });
    const authoritative = { ...emptyMessage(question), aa: true, source: "kubernetes", outside } as const;
    switch (found.outcome) {
      case "records":
        return { ...authoritative, answer: found.answer, additional: found.additional };
      case "nodata":
        return { ...authoritative, authority: [found.soa] };
      case "nxdomain":
        if (fallsThrough(question.name, fallthrough)) return next(query);
        return { ...authoritative, rcode: "NXDOMAIN", authority: [found.soa] };
      case "refused":
        return { ...emptyMessage(question), rcode: "REFUSED" };
      case "elsewhere":
        return next(query);
      default:
        return found satisfies never;
    }
  };
}
