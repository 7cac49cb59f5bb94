/**
 * Gives Services of type LoadBalancer the address of an emulated load balancer, and takes it back.
 *
 * `cloud`: an address for each Service. `local`: one address for all, as on a laptop, so that a port can be had once.
 * `none`: nobody answers, and they stay `<pending>`.
 *
 * @see https://kubernetes.io/docs/concepts/services-networking/service/#loadbalancer
 */
import type { Change } from "../api/change-tracker.ts";
import type { Controller, ControllerContext, Reader } from "../api/controller.ts";
import { type KubeObject, keyOf, type Service } from "../api/objects.ts";
import { same } from "../api/same.ts";
import type { SandboxOptions } from "../api/sandbox-options.ts";

/** Documentation addresses (RFC 5737); 198.51.100.0/24 is the world outside. */
const range = "203.0.113";
const firstHost = 10;
const lastHost = 254;
/** The one address of a `local` load balancer. */
export const localAddress = `${range}.1`;

export type Balancing = { give: string } | { give: undefined; why: string };

/** True for a Service that this load balancer serves; one with a class of its own waits for somebody else. */
export const isBalanced = ({ spec }: Service): boolean => spec.type === "LoadBalancer" && !spec.loadBalancerClass;

export const addressesOf = (service: Service): string[] => (service.status.loadBalancer?.ingress ?? []).flatMap(({ ip }) => ip ?? []);

/**
 * The address a Service gets: the one it has, the one it asks for, or the first that is free.
 *
 * @param others every other Service of the cluster
 */
export function balance(service: Service, others: readonly Service[], mode: SandboxOptions["loadBalancer"]): Balancing {
  const balanced = others.filter((other) => isBalanced(other) && addressesOf(other).length > 0);
  if (mode === "local") {
    const ports = new Set((service.spec.ports ?? []).map(portKey));
    const holder = balanced.find((other) => (other.spec.ports ?? []).some((port) => ports.has(portKey(port))));
    if (!holder) return { give: localAddress };
    const port = (holder.spec.ports ?? []).find((own) => ports.has(portKey(own)));
    return {
      give: undefined,
      why: `port ${port?.port}/${port?.protocol ?? "TCP"} of ${localAddress} is in use by Service ${keyOf(holder)}`,
    };
  }
  const taken = new Set(balanced.flatMap(addressesOf));
  const own = addressesOf(service).find((ip) => !taken.has(ip));
  const wanted = service.spec.loadBalancerIP;
  if (wanted && taken.has(wanted)) return { give: undefined, why: `address ${wanted} is in use by another Service` };
  if (wanted) return { give: wanted };
  if (own !== undefined) return { give: own };
  for (let host = firstHost; host <= lastHost; host += 1) if (!taken.has(`${range}.${host}`)) return { give: `${range}.${host}` };
  return { give: undefined, why: `no address is left in ${range}.0/24` };
}

const portKey = ({ port, protocol = "TCP" }: { port: number; protocol?: string }): string => `${port}/${protocol}`;

export const serviceLBController: Controller = {
  name: "service-controller",
  watches: { services: affected },
  reconcile(key, context) {
    const [namespace = "", name = ""] = key.split("/");
    const service = context.get<Service>("services", namespace, name);
    if (!service || context.options.loadBalancer === "none" || service.metadata.deletionTimestamp !== undefined) return;
    if (!isBalanced(service)) {
      if (service.spec.type !== "LoadBalancer") write(service, undefined, context);
      return;
    }
    const others = context.list<Service>("services").filter((other) => other.metadata.uid !== service.metadata.uid);
    const balancing = balance(service, others, context.options.loadBalancer);
    if (balancing.give === undefined) {
      sayOnce(service, `Error syncing load balancer: failed to ensure load balancer: ${balancing.why}`, context);
    } else if (!addressesOf(service).includes(balancing.give)) {
      context.event(service, "Normal", "EnsuringLoadBalancer", "Ensuring load balancer", serviceLBController.name);
      write(service, balancing.give, context);
      context.event(service, "Normal", "EnsuredLoadBalancer", "Ensured load balancer", serviceLBController.name);
      return;
    }
    write(service, balancing.give, context);
  },
};

/** A Service that lets an address or a port go gives those that wait for one another try. */
function* affected({ before, after }: Change<KubeObject>, read: Reader): Iterable<string> {
  const [was, is] = [before as Service | undefined, after as Service | undefined];
  if (is && (!was || !same(was.spec, is.spec))) yield keyOf(is);
  const isFreed =
    was && addressesOf(was).length > 0 && (!is || !isBalanced(is) || !same(was.spec.ports, is.spec.ports) || addressesOf(is).length === 0);
  if (!isFreed) return;
  for (const other of read.list<Service>("services")) if (isBalanced(other) && addressesOf(other).length === 0) yield keyOf(other);
}

/** Looking again after a sleep is no news. */
function sayOnce(service: Service, message: string, context: ControllerContext): void {
  const isSaid = context
    .list("events", service.metadata.namespace)
    .some((event) => event.involvedObject?.uid === service.metadata.uid && event.message === message);
  if (!isSaid) context.event(service, "Warning", "SyncLoadBalancerFailed", message, serviceLBController.name);
}

function write(service: Service, ip: string | undefined, context: ControllerContext): void {
  const loadBalancer = ip === undefined ? {} : { ingress: [{ ip, ipMode: "VIP" }] };
  if (!same(service.status?.loadBalancer ?? {}, loadBalancer)) {
    context.updateStatus("services", { ...service, status: { ...service.status, loadBalancer } });
  }
}
