/**
 * Where a sender stands: its machine, its addresses, how its packets enter the node's kernel, and its resolver.
 */
import type { Reader } from "../api/controller.ts";
import type { IPFamily } from "../api/ip-address.ts";
import type { Machines, Sender } from "../api/network.ts";
import type { Node, Pod } from "../api/objects.ts";
import type { SandboxOptions } from "../api/sandbox-options.ts";
import { clientStub, machineStub, podStub, type Stub } from "../dns/stub-resolver.ts";
import { type AddressBook, addressesOfNode, addressesOfPod, addressOfFamily, canonical } from "./address-book.ts";
import { nodePlace, outsidePlace, podPlace } from "./endpoint-text.ts";

export interface Origin {
  /** `pod/{namespace}/{name}`, `node/{name}`, `outside/{ip}`; a client without a pod stands on its node. */
  place: string;
  /** How its packets get into the kernel of `node`; `outside`: they are on the wire first. */
  enters: "pod" | "process" | "outside";
  node?: string;
  pod?: Pod;
  namespace?: string;
  /** Its resolver; read from its files when a name is asked for. */
  stub(): Stub;
  addressOf(family: IPFamily): string | undefined;
}

/** Why a sender cannot send: it does not exist, has no address yet, or its node is down. */
export interface NoOrigin {
  place: string;
  cause: { code: "sender-missing" | "sender-not-running" | "sender-node-down"; params: Record<string, string> };
}

export interface OriginContext {
  reader: Reader;
  book: AddressBook;
  machines: Machines;
  options: SandboxOptions;
}

export function originOf(sender: Sender, context: OriginContext): Origin | NoOrigin {
  switch (sender.kind) {
    case "pod":
      return podOrigin(sender, context);
    case "client":
      return clientOrigin(sender, context);
    case "node":
      return nodeOrigin(sender.node, context);
    case "outside": {
      const ip = canonical(sender.ip);
      return {
        place: outsidePlace(ip),
        enters: "outside",
        stub: () => machineStub(context.options),
        addressOf: (family) => addressOfFamily([ip], family),
      };
    }
    default:
      return sender satisfies never;
  }
}

function podOrigin({ namespace, pod: name }: { namespace: string; pod: string }, context: OriginContext): Origin | NoOrigin {
  const place = `pod/${namespace}/${name}`;
  const pod = context.reader.get<Pod>("pods", namespace, name);
  if (pod === undefined) return { place, cause: { code: "sender-missing", params: { namespace, name } } };
  const node = pod.spec.nodeName;
  const addresses = addressesOfPod(pod);
  if (node === undefined || addresses.length === 0 || pod.status.phase !== "Running") {
    return { place, cause: { code: "sender-not-running", params: { pod: name, phase: pod.status.phase ?? "Pending" } } };
  }
  if (!isUp(node, context)) return { place, cause: { code: "sender-node-down", params: { pod: name, node } } };
  return {
    place: podPlace(pod),
    enters: pod.spec.hostNetwork ? "process" : "pod",
    node,
    pod,
    namespace,
    stub: () => podStub(pod, context.options),
    addressOf: (family) => addressOfFamily(addresses, family),
  };
}

function clientOrigin({ namespace, node: wanted }: { namespace: string; node?: string }, context: OriginContext): Origin | NoOrigin {
  const node = wanted ?? firstNodeUp(context);
  if (node === undefined) return { place: "node/", cause: { code: "sender-missing", params: { namespace, name: "" } } };
  if (!isUp(node, context)) return { place: nodePlace(node), cause: { code: "sender-node-down", params: { pod: "", node } } };
  return {
    place: nodePlace(node),
    enters: "pod",
    node,
    namespace,
    stub: () => clientStub(namespace, context.options),
    addressOf: (family) => context.book.unusedAddressOf(node, family),
  };
}

function nodeOrigin(name: string, context: OriginContext): Origin | NoOrigin {
  const place = nodePlace(name);
  const node = context.reader.get<Node>("nodes", undefined, name);
  if (node === undefined) return { place, cause: { code: "sender-missing", params: { namespace: "", name } } };
  if (!isUp(name, context)) return { place, cause: { code: "sender-node-down", params: { pod: "", node: name } } };
  const addresses = addressesOfNode(node);
  return {
    place,
    enters: "process",
    node: name,
    stub: () => machineStub(context.options),
    addressOf: (family) => addressOfFamily(addresses, family),
  };
}

const isUp = (node: string, { reader, machines }: OriginContext): boolean =>
  reader.get("nodes", undefined, node) !== undefined && machines.nodeUp(node);

/** In the order in which the sandbox was given its nodes; nodes added later come after them. */
function firstNodeUp(context: OriginContext): string | undefined {
  const names = [...context.options.nodes.map(({ name }) => name), ...context.reader.list("nodes").map(({ metadata }) => metadata.name)];
  return names.find((name) => isUp(name, context));
}
