/**
 * Who asks or sends, as people write it: `from=default/sleep-1`, `deploy/web`, `shop/deploy/web`, a namespace,
 * `node/node-2`, `outside`, `outside/203.0.113.9`.
 */
import type { Reader } from "../cluster/api/controller.ts";
import { parseIP } from "../cluster/api/ip-address.ts";
import type { Sender } from "../cluster/api/network.ts";
import type { Deployment, Pod, ReplicaSet } from "../cluster/api/objects.ts";
import { ProblemError } from "./bad-input.ts";

/** A machine outside the cluster, where none is named; load balancers have other addresses. */
const someoneOutside = "198.51.100.200";
const deploymentWords = ["deploy", "deployment", "deployments"];

/** @returns a sentence that says what is not there, instead of a sender */
export function senderOf(text: string | undefined, reader: Reader): Sender | string {
  const [first = "default", second, third, ...more] = (text ?? "default").split("/");
  if (more.length > 0) return `${text} has too many parts`;
  if (first === "outside") {
    const ip = second ?? someoneOutside;
    return parseIP(ip) === undefined ? `${ip} is no IP address` : { kind: "outside", ip };
  }
  if (first === "node" && second !== undefined) {
    return reader.get("nodes", undefined, second) === undefined ? `there is no node ${second}` : { kind: "node", node: second };
  }
  if (deploymentWords.includes(first) && second !== undefined) return podOfDeployment("default", second, reader);
  if (second !== undefined && deploymentWords.includes(second) && third !== undefined) return podOfDeployment(first, third, reader);
  if (third !== undefined) return `${text} has too many parts`;
  if (second !== undefined) {
    const exists = reader.get("pods", first, second) !== undefined;
    return exists ? { kind: "pod", namespace: first, pod: second } : `there is no pod ${second} in namespace ${first}`;
  }
  return reader.get("namespaces", undefined, first) === undefined ? `there is no namespace ${first}` : { kind: "client", namespace: first };
}

/** As JSON, too: `{ "outside": "203.0.113.9" }`, `{ "node": "node-2" }`. */
export type SenderInput = string | { outside: string } | { node: string };

/** @throws ProblemError where there is no such sender */
export function senderFrom(input: SenderInput | undefined, reader: Reader): Sender {
  const sender = senderOf(senderText(input), reader);
  if (typeof sender !== "string") return sender;
  throw new ProblemError({ type: "no-such-sender", title: "No such sender", status: 404, detail: `from: ${sender}.`, fix: senderForms });
}

export const senderForms =
  "from takes a namespace, namespace/pod, deploy/name, namespace/deploy/name, node/name, outside or outside/address; as JSON also {outside} and {node}.";

const senderText = (input: SenderInput | undefined): string | undefined =>
  typeof input !== "object" ? input : "outside" in input ? `outside/${input.outside}` : `node/${input.node}`;

/** The first ready pod by name; without a ready one, the first. */
function podOfDeployment(namespace: string, name: string, reader: Reader): Sender | string {
  const deployment = reader.get<Deployment>("deployments.apps", namespace, name);
  if (deployment === undefined) return `there is no Deployment ${name} in namespace ${namespace}`;
  const pods = reader
    .ownedBy<ReplicaSet>(deployment.metadata.uid, "replicasets.apps")
    .flatMap(({ metadata }) => reader.ownedBy<Pod>(metadata.uid, "pods"))
    .sort((a, b) => (a.metadata.name < b.metadata.name ? -1 : 1));
  const chosen = pods.find(isReady) ?? pods[0];
  return chosen === undefined
    ? `Deployment ${name} in namespace ${namespace} has no pod`
    : { kind: "pod", namespace, pod: chosen.metadata.name };
}

const isReady = ({ status }: Pod): boolean => status.conditions?.some(({ type, status }) => type === "Ready" && status === "True") ?? false;
