/**
 * Tells people what their Corefile asks for and has no effect here: a Warning event on each DNS pod.
 *
 * What keeps CoreDNS from starting needs no event of its own: its pods crash, and their log says why.
 */
import type { Controller, ControllerContext, Reader } from "../api/controller.ts";
import { type ConfigMap, type KubeObject, keyOf, type Pod } from "../api/objects.ts";
import { corefileConfigMap, dnsNamespace, dnsPodLabels } from "./cluster-dns-objects.ts";
import { CorefileError } from "./corefile.ts";
import { readCorefile } from "./corefile-plugins.ts";

const notEmulatedReason = "NotEmulated";

/** Sends nothing twice: an event that is still there with the same words stays as it is. */
export const corefileReporter: Controller = {
  name: "coredns",
  watches: {
    configmaps: ({ after }, read) =>
      after?.metadata.namespace === dnsNamespace && after.metadata.name === corefileConfigMap ? dnsPods(read).map(keyOf) : [],
    pods: ({ before, after }) =>
      after !== undefined && before?.metadata.uid !== after.metadata.uid && isDnsPod(after) ? [keyOf(after)] : [],
  },
  reconcile(key, context) {
    const [namespace, name] = key.split("/") as [string, string];
    const pod = context.get<Pod>("pods", namespace, name);
    const corefile = context.get<ConfigMap>("configmaps", dnsNamespace, corefileConfigMap)?.data?.["Corefile"];
    if (pod === undefined || corefile === undefined) return;
    const config = readCorefile(corefile);
    if (config instanceof CorefileError || config.notEmulated.length === 0) return;
    const message = `The Corefile uses what is not emulated and has no effect here: ${config.notEmulated.join(", ")}`;
    if (!isTold(pod, message, context)) context.event(pod, "Warning", notEmulatedReason, message, "coredns", pod.spec.nodeName);
  },
};

const dnsPods = (read: Reader): Pod[] => read.list<Pod>("pods", dnsNamespace).filter(isDnsPod);

const isDnsPod = ({ metadata: { namespace, labels } }: KubeObject): boolean =>
  namespace === dnsNamespace && Object.entries(dnsPodLabels).every(([key, value]) => labels?.[key] === value);

const isTold = ({ metadata: { uid } }: Pod, message: string, context: ControllerContext): boolean =>
  context
    .list<KubeObject>("events", dnsNamespace)
    .some((event) => event["involvedObject"]?.uid === uid && event["reason"] === notEmulatedReason && event["message"] === message);
