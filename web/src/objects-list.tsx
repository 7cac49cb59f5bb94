/** The live lists: Services (dashed, a name), endpoints, and nodes with their pods (solid, a process). */
import type { JSX } from "preact";
import { say } from "./language.ts";
import { type LiveObject, objects } from "./live-objects.ts";

const inOrder = (a: LiveObject, b: LiveObject): number =>
  `${a.metadata.namespace}/${a.metadata.name}` < `${b.metadata.namespace}/${b.metadata.name}` ? -1 : 1;

/** Objects of a kind in one namespace (empty: all), by name. */
export const ofKind = (kind: string, namespace: string): LiveObject[] =>
  [...objects.value.values()].filter((o) => o.kind === kind && (namespace === "" || o.metadata.namespace === namespace)).sort(inOrder);

export const isReady = (pod: LiveObject): boolean =>
  ((pod.status?.conditions ?? []) as { type: string; status: string }[]).some(({ type, status }) => type === "Ready" && status === "True");

export function ServicesList({ namespace }: { namespace: string }): JSX.Element {
  const services = ofKind("Service", namespace);
  return (
    <section class="lane" aria-labelledby="services-title">
      <h2 id="services-title">{say("services")}</h2>
      {services.length === 0 && <p class="quiet">{say("noServices")}</p>}
      <ul>
        {services.map((service) => (
          <ServiceLabel key={service.metadata.uid} of={service} namespace={namespace} />
        ))}
      </ul>
      <p class="legend">
        <span class="dashed-sample" /> {say("rulesOnly")}
      </p>
    </section>
  );
}

function ServiceLabel({ of, namespace }: { of: LiveObject; namespace: string }): JSX.Element {
  const { type, clusterIP, externalName, selector } = of.spec as {
    type: string;
    clusterIP?: string;
    externalName?: string;
    selector?: object;
  };
  const ports = ((of.spec.ports ?? []) as { port: number; targetPort: number | string; nodePort?: number }[])
    .map(({ port, targetPort, nodePort }) => `${port}${nodePort ? `:${nodePort}` : ""} → ${targetPort ?? port}`)
    .join(", ");
  const ingress = (of.status?.loadBalancer?.ingress ?? []) as { ip?: string; hostname?: string }[];
  const headless = clusterIP === "None";
  const [ready, all] = readiness(of);
  return (
    <li class="service">
      <div class="row">
        <strong class="data">{namespace === "" ? `${of.metadata.namespace}/${of.metadata.name}` : of.metadata.name}</strong>
        <span class="note">{headless ? "headless" : type}</span>
      </div>
      <div class="data">
        {type === "ExternalName" ? externalName : headless ? say("noAddress") : clusterIP}
        {ports && <span> {ports}</span>}
      </div>
      {ingress.length > 0 && <div class="data">{ingress.map(({ ip, hostname }) => ip ?? hostname).join(", ")}</div>}
      <div class="note">
        {type === "ExternalName" ? say("dnsOnly") : say("readyOf", { ready, all })}
        {type !== "ExternalName" && !selector && ` · ${say("noSelector")}`}
      </div>
    </li>
  );
}

/** Ready and all endpoints of a Service, as its EndpointSlices say. */
function readiness(service: LiveObject): [ready: number, all: number] {
  let ready = 0;
  let all = 0;
  for (const slice of ofKind("EndpointSlice", service.metadata.namespace ?? "")) {
    if (slice.metadata.labels?.["kubernetes.io/service-name"] !== service.metadata.name) continue;
    for (const endpoint of (slice.endpoints ?? []) as { conditions?: { ready?: boolean } }[]) {
      all += 1;
      if (endpoint.conditions?.ready !== false) ready += 1;
    }
  }
  return [ready, all];
}

export function EndpointsList({ namespace }: { namespace: string }): JSX.Element {
  const all = ofKind("EndpointSlice", namespace);
  return (
    <section class="lane" aria-labelledby="endpoints-title">
      <h2 id="endpoints-title">{say("endpoints")}</h2>
      {all.length === 0 && <p class="quiet">{say("noEndpoints")}</p>}
      <ul>
        {all.map((slice) => {
          const ports = ((slice.ports ?? []) as { port?: number }[]).map(({ port }) => port).join(",");
          const endpoints = (slice.endpoints ?? []) as { addresses: string[]; conditions?: { ready?: boolean } }[];
          return (
            <li key={slice.metadata.uid} class="slice" data-slice={slice.metadata.name}>
              <strong class="data">{slice.metadata.labels?.["kubernetes.io/service-name"] ?? slice.metadata.name}</strong>
              <span class="data">
                {endpoints.length === 0 && "–"}
                {endpoints.slice(0, 8).map(({ addresses, conditions }) => (
                  <span key={addresses[0]} class={conditions?.ready === false ? "warn" : ""}>
                    {addresses[0]}:{ports}
                    {conditions?.ready === false && ` (${say("notReady")})`}{" "}
                  </span>
                ))}
                {endpoints.length > 8 && `+ ${endpoints.length - 8}`}
              </span>
            </li>
          );
        })}
      </ul>
    </section>
  );
}

export function NodesList({ namespace }: { namespace: string }): JSX.Element {
  const nodes = ofKind("Node", "");
  const pods = ofKind("Pod", namespace);
  const waiting = pods.filter((pod) => !pod.spec.nodeName);
  return (
    <section class="lane" aria-labelledby="nodes-title">
      <h2 id="nodes-title">{say("nodesAndPods")}</h2>
      {nodes.map((node) => (
        <div key={node.metadata.uid} class="node">
          <div class="row head">
            <strong>{node.metadata.name}</strong>
            <span class="data">{((node.status?.addresses ?? []) as { type: string; address: string }[])[0]?.address}</span>
          </div>
          <ul>
            {pods
              .filter((pod) => pod.spec.nodeName === node.metadata.name)
              .map((pod) => (
                <PodRow key={pod.metadata.uid} of={pod} />
              ))}
          </ul>
        </div>
      ))}
      {waiting.length > 0 && (
        <ul>
          {waiting.map((pod) => (
            <PodRow key={pod.metadata.uid} of={pod} />
          ))}
        </ul>
      )}
      {pods.length === 0 && <p class="quiet">{say("noPods")}</p>}
      <p class="legend">
        <span class="solid-sample" /> {say("runsAProcess")}
      </p>
    </section>
  );
}

function PodRow({ of }: { of: LiveObject }): JSX.Element {
  const state = of.metadata.deletionTimestamp
    ? "deleting"
    : isReady(of)
      ? "ready"
      : of.status?.phase === "Running"
        ? "notReady"
        : "starting";
  const name = of.metadata.name;
  const cut = name.lastIndexOf("-") + 1;
  return (
    <li class={`pod ${state}`} data-pod={name}>
      <StateShape of={state} />
      <span class="data name">
        <span class="prefix">{name.slice(0, cut)}</span>
        {name.slice(cut)}
      </span>
      {state !== "ready" && <span class="note">{say(state)}</span>}
      <span class="data address">{of.status?.podIP ?? ""}</span>
    </li>
  );
}

/** Ready: a disc; not ready: half a ring; starting: a ring with a notch; deleting: a ring with a cross. */
function StateShape({ of }: { of: "ready" | "notReady" | "starting" | "deleting" }): JSX.Element {
  return (
    <svg class="shape" viewBox="0 0 12 12" width="12" height="12" role="img" aria-label={say(of)}>
      {of === "ready" && <circle cx="6" cy="6" r="4" fill="currentColor" />}
      {of === "notReady" && <path d="M6 2a4 4 0 0 1 0 8z" fill="currentColor" />}
      {of !== "ready" && (
        <circle
          cx="6"
          cy="6"
          r="4"
          fill="none"
          stroke="currentColor"
          stroke-width="1.5"
          {...(of === "starting" ? { "stroke-dasharray": "20 5" } : {})}
        />
      )}
      {of === "deleting" && <path d="M4 4l4 4M8 4l-4 4" stroke="currentColor" stroke-width="1.5" />}
    </svg>
  );
}
