/** Which pod and container a stream is for, and what the server says where that is not clear or cannot be. */
import type { Reader } from "../../cluster/api/controller.ts";
import type { Container, Pod } from "../../cluster/api/objects.ts";
import { badRequest, failure, notFound } from "../../cluster/api/status-error.ts";

export function podOf(reader: Reader, namespace: string, name: string): Pod {
  const pod = reader.get<Pod>("pods", namespace, name);
  if (!pod) throw notFound({ group: "", resource: "pods" }, name);
  return pod;
}

/** The container that was asked for; without a name the only one. @throws StatusError 400 */
export function chooseContainer(pod: Pod, asked: string | null): Container {
  const { containers, initContainers = [] } = pod.spec;
  if (asked) {
    const found = [...containers, ...initContainers].find(({ name }) => name === asked);
    if (!found) throw badRequest(`container ${asked} is not valid for pod ${pod.metadata.name}`);
    return found;
  }
  const [only] = containers;
  if (containers.length === 1 && only) return only;
  const names = (of: readonly Container[]): string => `[${of.map(({ name }) => name).join(" ")}]`;
  const init = initContainers.length === 0 ? "" : ` or one of the init containers: ${names(initContainers)}`;
  throw badRequest(`a container name must be specified for pod ${pod.metadata.name}, choose one of: ${names(containers)}${init}`);
}

export const statusOf = (pod: Pod, container: string) =>
  [...(pod.status.containerStatuses ?? []), ...(pod.status.initContainerStatuses ?? [])].find(({ name }) => name === container);

/** Refuses a pod that no kubelet has, or whose kubelet does not answer. */
export function refuseUnreachable(pod: Pod, nodeUp: (node: string) => boolean): void {
  const { nodeName } = pod.spec;
  if (!nodeName) throw badRequest(`pod ${pod.metadata.name} does not have a host assigned`);
  if (nodeUp(nodeName)) return;
  const message = `error dialing backend: dial tcp ${pod.status.hostIP ?? nodeName}:10250: connect: no route to host`;
  throw failure(500, undefined as unknown as string, message);
}

/** Refuses a container that does not run: there is nothing to step into. */
export function refuseNotRunning(pod: Pod, container: Container): void {
  if (statusOf(pod, container.name)?.state?.running) return;
  throw failure(500, "InternalError", `unable to upgrade connection: container not found (${JSON.stringify(container.name)})`);
}
