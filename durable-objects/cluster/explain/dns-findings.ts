/**
 * Why the DNS servers did not answer, or could not: no Service, no pods, a Corefile that they cannot read, or nobody
 * behind them. What is wrong with the name itself is `name-findings.ts`.
 */
import type { NewObject } from "../api/controller.ts";
import { matchesLabelMap } from "../api/label-selector.ts";
import type { ObjectRef, Resolution } from "../api/network.ts";
import type { ConfigMap, Deployment, Pod, Service } from "../api/objects.ts";
import {
  corefileConfigMap,
  defaultCorefile,
  dnsDeployment,
  dnsDeploymentObject,
  dnsNamespace,
  dnsPodLabels,
  dnsReplicas,
  dnsService,
  dnsServiceObject,
} from "../dns/cluster-dns-objects.ts";
import { corefileProblem } from "../dns/corefile-plugins.ts";
import { forwardTargets, withForwardTarget } from "../dns/corefile-targets.ts";
import { clusterIPsOf, type Facts, isReady, podsWith, reasonNotReady, refTo, slicesOf } from "./facts.ts";
import type { DnsDownCause } from "./messages/en.ts";
import { mergePatch } from "./patches.ts";
import { withoutEndpoints } from "./service-findings.ts";
import { type Finding, finding, fix, type Patch } from "./why.ts";

/** No server replied, or the one that did could not find out. */
export function dnsFailure(resolution: Resolution, facts: Facts): Finding[] {
  const { name, nameserver = "", trace } = resolution;
  const last = trace.at(-1);
  if (last === undefined || last.rcode === "TIMEOUT") return dnsSilence(resolution, facts);
  if (last.from === "forward" && last.rcode === "SERVFAIL") return [upstreamUnreachable(name, facts)];
  return [finding("dns-failed", { name, server: nameserver, rcode: last.rcode }, [], fix("check-address", {}))];
}

function dnsSilence({ name, nameserver = "" }: Resolution, facts: Facts): Finding[] {
  const service = facts.reader.list<Service>("services", dnsNamespace).find(({ spec }) => clusterIPsOf(spec).includes(nameserver));
  const isDown = service === undefined || !slicesOf(service, facts.reader).some(hasReadyEndpoint);
  if (nameserver === facts.options.clusterDNS && isDown) return dnsDown(name, nameserver, service, facts);
  const because = service === undefined ? [] : [refTo(service)];
  return [finding("dns-unreachable", { name, server: nameserver }, because, fix("repair-dns", {}))];
}

const hasReadyEndpoint = ({ endpoints }: ReturnType<typeof slicesOf>[number]): boolean =>
  endpoints?.some(({ conditions }) => conditions?.ready !== false) ?? false;

/** The first thing that is missing between the address of the cluster's DNS and a pod that answers. */
function dnsDown(name: string, server: string, service: Service | undefined, facts: Facts): Finding[] {
  const { reader, options } = facts;
  const down = (cause: DnsDownCause, object: string, detail: string, because: readonly ObjectRef[], repair: Finding["fix"]): Finding =>
    finding("dns-down", { name, server, cause, object, detail }, because, repair);
  if (service === undefined) {
    const { apiVersion, kind } = dnsServiceObject(options);
    const because = [{ apiVersion, kind, namespace: dnsNamespace, name: dnsService }];
    return [
      down("no-service", dnsService, "", because, fix("restore-dns-service", { svc: dnsService }, [post(dnsServiceObject(options))])),
    ];
  }
  const deployment = reader
    .list<Deployment>("deployments.apps", dnsNamespace)
    .find(({ spec }) => matchesLabelMap(dnsPodLabels, spec.template.metadata?.labels));
  const pods = podsWith(service.spec.selector, dnsNamespace, reader);
  if (deployment === undefined && pods.length === 0) {
    const { apiVersion, kind } = dnsDeploymentObject();
    const because = [refTo(service), { apiVersion, kind, namespace: dnsNamespace, name: dnsDeployment }];
    return [
      down(
        "no-deployment",
        dnsDeployment,
        "",
        because,
        fix("restore-dns-pods", { workload: dnsDeployment }, [post(dnsDeploymentObject())]),
      ),
    ];
  }
  if (deployment?.spec.replicas === 0) {
    const workload = `deployment/${deployment.metadata.name}`;
    const repair = fix("scale-dns", { workload, n: dnsReplicas }, [mergePatch(deployment, { spec: { replicas: dnsReplicas } })]);
    return [down("zero-replicas", workload, "", [refTo(service), refTo(deployment, "spec.replicas")], repair)];
  }
  const broken = brokenCorefile(facts);
  if (broken !== undefined) {
    const patches = [mergePatch(broken.object, { data: { Corefile: defaultCorefile(options.clusterDomain) } }), ...pods.map(deletion)];
    const because = [refTo(broken.object, "data.Corefile"), ...pods.map((pod) => refTo(pod))];
    return [down("corefile", corefileConfigMap, broken.problem, because, fix("restore-corefile", {}, patches))];
  }
  const unready = pods.find((pod) => !isReady(pod));
  const because = [refTo(service), ...(unready === undefined ? [] : [refTo(unready, "status.conditions")])];
  const detail = unready === undefined ? "" : reasonNotReady(unready);
  const own = down("no-ready-pods", unready?.metadata.name ?? service.metadata.name, detail, because, fix("repair-dns", {}));
  return pods.length === 0 ? [own, ...withoutEndpoints(service, "", facts)] : [own];
}

const corefileIn = ({ reader }: Facts): ConfigMap | undefined => reader.get<ConfigMap>("configmaps", dnsNamespace, corefileConfigMap);

function brokenCorefile(facts: Facts): { object: ConfigMap; problem: string } | undefined {
  const object = corefileIn(facts);
  const problem = corefileProblem(object?.data?.["Corefile"] ?? "");
  return object === undefined || problem === undefined ? undefined : { object, problem };
}

/** The name lies outside, and the resolver that the Corefile names for it does not answer. */
function upstreamUnreachable(name: string, facts: Facts): Finding {
  const object = corefileIn(facts);
  const text = object?.data?.["Corefile"];
  const targets = text === undefined ? [] : forwardTargets(text);
  const params = { name, targets: targets.join(", ") };
  if (object === undefined || text === undefined || targets.length === 0 || targets.includes("/etc/resolv.conf"))
    return finding("upstream-unreachable", params, object === undefined ? [] : [refTo(object, "data.Corefile")], fix("check-upstream", {}));
  const patch = mergePatch(object, { data: { Corefile: withForwardTarget(text, "/etc/resolv.conf") } });
  return finding("upstream-unreachable", params, [refTo(object, "data.Corefile")], fix("use-node-resolver", {}, [patch]));
}

const post = (body: NewObject): Patch => ({
  apiVersion: body.apiVersion,
  kind: body.kind,
  namespace: dnsNamespace,
  name: body.metadata.name ?? "",
  method: "POST",
  contentType: "application/json",
  body,
});

const deletion = ({ apiVersion, kind, metadata: { namespace, name } }: Pod): Patch => ({
  apiVersion,
  kind,
  namespace,
  name,
  method: "DELETE",
  contentType: "application/json",
  body: {},
});
