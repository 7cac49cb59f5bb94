/**
 * The environment variables of a container, in the order in which a kubelet makes them: what the image sets, the
 * Services that existed when it started, envFrom, env.
 */
import type { Reader } from "../api/controller.ts";
import type { ConfigMap, Container, KubeObject, Pod, Secret, Service } from "../api/objects.ts";
import { decodeBase64 } from "./base64.ts";

/** Why a container cannot be made: the message of `CreateContainerConfigError`. */
export class MissingReference {
  readonly missing: string;
  constructor(missing: string) {
    this.missing = missing;
  }
}

export type Environment = Record<string, string>;

export function environmentOf(
  pod: Pod,
  container: Container,
  imageEnv: Readonly<Environment>,
  reader: Reader,
): Environment | MissingReference {
  const env: Environment = { ...imageEnv, ...serviceVariables(pod, reader) };
  for (const source of container.envFrom ?? []) {
    const reference = source.configMapRef ?? source.secretRef;
    if (!reference) continue;
    const found = keyedData(source.configMapRef ? "configmaps" : "secrets", pod, reference.name ?? "", reader);
    if (!found && !reference.optional)
      return new MissingReference(notFoundMessage(source.configMapRef ? "configmap" : "secret", reference.name ?? ""));
    for (const [key, value] of Object.entries(found ?? {})) env[`${source.prefix ?? ""}${key}`] = value;
  }
  for (const { name, value, valueFrom } of container.env ?? []) {
    if (!valueFrom) {
      env[name] = expanded(value ?? "", env);
      continue;
    }
    const from = fromSource(valueFrom, pod, container, reader);
    if (typeof from === "object") return from;
    if (from !== undefined) env[name] = from;
  }
  return env;
}

/** True where the environment depends on a ConfigMap or Secret, which may be missing. */
export const hasReferences = ({ env, envFrom }: Container): boolean =>
  (envFrom?.length ?? 0) > 0 || (env ?? []).some(({ valueFrom }) => valueFrom !== undefined);

/**
 * An environment that is worked out when somebody first looks into it. Most looks at a container need none, and the
 * variables of a namespace with a thousand Services are many.
 */
export function lazyEnvironment(make: () => Environment): Environment {
  let made: Environment | undefined;
  const of = (): Environment => {
    made ??= make();
    return made;
  };
  return new Proxy({} as Environment, {
    get: (_target, name) => Reflect.get(of(), name),
    has: (_target, name) => Reflect.has(of(), name),
    ownKeys: () => Reflect.ownKeys(of()),
    getOwnPropertyDescriptor: (_target, name) => Reflect.getOwnPropertyDescriptor(of(), name),
  });
}

const notFoundMessage = (kind: string, name: string): string => `${kind} ${JSON.stringify(name)} not found`;

type ValueFrom = NonNullable<NonNullable<Container["env"]>[number]["valueFrom"]>;

function fromSource(source: ValueFrom, pod: Pod, container: Container, reader: Reader): string | undefined | MissingReference {
  if (source.fieldRef) return podField(pod, source.fieldRef.fieldPath);
  if (source.resourceFieldRef) return resourceField(container, source.resourceFieldRef.resource);
  const reference = source.configMapKeyRef ?? source.secretKeyRef;
  if (!reference) return undefined;
  const kind = source.configMapKeyRef ? "configmap" : "secret";
  const found = keyedData(`${kind}s`, pod, reference.name ?? "", reader);
  if (!found) return reference.optional ? undefined : new MissingReference(notFoundMessage(kind, reference.name ?? ""));
  const value = found[reference.key];
  if (value !== undefined || reference.optional) return value;
  const described = kind === "configmap" ? "ConfigMap" : "Secret";
  return new MissingReference(`couldn't find key ${reference.key} in ${described} ${pod.metadata.namespace}/${reference.name}`);
}

/** The data of a ConfigMap or Secret as text; `undefined` where it does not exist. */
export function keyedData(resource: string, pod: Pod, name: string, reader: Reader): Record<string, string> | undefined {
  const object = reader.get<KubeObject>(resource, pod.metadata.namespace, name);
  if (!object) return undefined;
  if (resource === "configmaps") return (object as ConfigMap).data ?? {};
  const text = ([key, value]: [string, string]) => [key, new TextDecoder().decode(decodeBase64(value))] as const;
  return Object.fromEntries(Object.entries((object as Secret).data ?? {}).map(text));
}

/** What the downward API gives for a field: `metadata.name`, `metadata.labels['app']`, `status.podIP`, `spec.nodeName`. */
export function podField(pod: Pod, path: string): string {
  const keyed = /^metadata\.(labels|annotations)\['(.+)'\]$/.exec(path);
  if (keyed) return pod.metadata[keyed[1] as "labels" | "annotations"]?.[keyed[2] as string] ?? "";
  switch (path) {
    case "metadata.name":
      return pod.metadata.name;
    case "metadata.namespace":
      return pod.metadata.namespace;
    case "metadata.uid":
      return pod.metadata.uid;
    case "metadata.labels":
    case "metadata.annotations":
      return Object.entries(pod.metadata[path.slice("metadata.".length) as "labels" | "annotations"] ?? {})
        .map(([key, value]) => `${key}=${JSON.stringify(value)}`)
        .join("\n");
    case "spec.nodeName":
      return pod.spec.nodeName ?? "";
    case "spec.serviceAccountName":
      return pod.spec.serviceAccountName ?? "default";
    case "status.hostIP":
      return pod.status.hostIP ?? "";
    case "status.hostIPs":
      return (pod.status.hostIPs ?? []).map(({ ip }) => ip).join(",");
    case "status.podIP":
      return pod.status.podIP ?? "";
    case "status.podIPs":
      return (pod.status.podIPs ?? []).map(({ ip }) => ip).join(",");
    default:
      return "";
  }
}

function resourceField(container: Container, resource: string): string {
  const [kind, name = ""] = resource.split(".");
  const values = kind === "limits" ? container.resources?.limits : container.resources?.requests;
  return String(values?.[name] ?? "0");
}

/** `NAME_SERVICE_HOST` and the old Docker link variables, of Services with a cluster IP. */
function serviceVariables(pod: Pod, reader: Reader): Environment {
  const env: Environment = {};
  const linked = pod.spec.enableServiceLinks !== false;
  const own = linked ? reader.list<Service>("services", pod.metadata.namespace) : [];
  const master = reader.get<Service>("services", "default", "kubernetes");
  const started = pod.status.startTime;
  for (const service of [...own, ...(master ? [master] : [])]) {
    const { clusterIP, ports, type } = service.spec;
    if (!clusterIP || clusterIP === "None" || type === "ExternalName") continue;
    if (started !== undefined && service !== master && service.metadata.creationTimestamp > started) continue;
    const prefix = service.metadata.name.toUpperCase().replaceAll("-", "_");
    const first = ports?.[0];
    env[`${prefix}_SERVICE_HOST`] = clusterIP;
    env[`${prefix}_SERVICE_PORT`] = String(first?.port ?? "");
    for (const port of ports ?? []) {
      if (port.name) env[`${prefix}_SERVICE_PORT_${port.name.toUpperCase().replaceAll("-", "_")}`] = String(port.port);
    }
    Object.assign(env, linkVariables(prefix, clusterIP, ports ?? []));
  }
  return env;
}

function linkVariables(prefix: string, ip: string, ports: readonly { port: number; protocol?: string }[]): Environment {
  const env: Environment = {};
  for (const [at, { port, protocol = "TCP" }] of ports.entries()) {
    const proto = protocol.toLowerCase();
    const url = `${proto}://${ip.includes(":") ? `[${ip}]` : ip}:${port}`;
    const name = `${prefix}_PORT_${port}_${protocol}`;
    if (at === 0) env[`${prefix}_PORT`] = url;
    Object.assign(env, { [name]: url, [`${name}_PROTO`]: proto, [`${name}_PORT`]: String(port), [`${name}_ADDR`]: ip });
  }
  return env;
}

/** `$(NAME)` becomes a value known so far, `$$` a dollar sign; an unknown name stays as it is written. */
export const expanded = (text: string, env: Readonly<Environment>): string =>
  text.replace(/\$\$|\$\(([-._a-zA-Z][-._a-zA-Z0-9]*)\)/g, (whole, name?: string) => (name === undefined ? "$" : (env[name] ?? whole)));
