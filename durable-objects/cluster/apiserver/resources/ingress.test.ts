import { describe, expect, it } from "vitest";
import type { KubeObject } from "../../api/objects.ts";
import { ingress } from "./ingress.ts";
import { refusal, StrategyLab } from "./test-lab.ts";

const backend = { service: { name: "web", port: { number: 80 } } };
const made = (spec: object, annotations: Record<string, string> = {}) => ({ metadata: { name: "site", annotations }, spec });

const ingressClass = (name: string, creationTimestamp: string, isDefault: string): KubeObject => ({
  apiVersion: "networking.k8s.io/v1",
  kind: "IngressClass",
  metadata: {
    name,
    uid: name,
    resourceVersion: "1",
    creationTimestamp,
    annotations: { "ingressclass.kubernetes.io/is-default-class": isDefault },
  },
});

describe("Ingress", () => {
  it("takes the newest default class, unless it names one itself", () => {
    const lab = new StrategyLab();
    const add = (of: KubeObject) => lab.objects.set(`ingressclasses.networking.k8s.io/${of.metadata.name}`, of);
    add(ingressClass("old", "2025-01-01T00:00:00Z", "true"));
    add(ingressClass("new", "2025-06-01T00:00:00Z", "true"));
    add(ingressClass("other", "2025-12-01T00:00:00Z", "false"));
    const classOf = (object: object) => lab.create(ingress, object).spec?.ingressClassName;
    expect(classOf(made({ defaultBackend: backend }))).toBe("new");
    expect(classOf(made({ defaultBackend: backend, ingressClassName: "old" }))).toBe("old");
    expect(classOf(made({ defaultBackend: backend }, { "kubernetes.io/ingress.class": "old" }))).toBeUndefined();
  });

  it.each([
    { spec: {}, want: "spec: Invalid value: null: either `defaultBackend` or `rules` must be specified" },
    {
      spec: { defaultBackend: { service: backend.service, resource: { apiGroup: "a", kind: "B", name: "c" } } },
      want: 'spec.defaultBackend: Invalid value: "": cannot set both resource and service backends',
    },
    {
      spec: { defaultBackend: { service: { name: "web", port: { name: "http", number: 80 } } } },
      want: 'spec.defaultBackend: Invalid value: "": cannot set both port name & port number',
    },
    {
      spec: { defaultBackend: { resource: { apiGroup: "a", name: "b/c" } } },
      want: `[spec.defaultBackend.resource.kind: Required value, spec.defaultBackend.resource.name: Invalid value: "b/c": may not contain '/']`,
    },
  ])("refuses $spec", ({ spec, want }) => {
    expect(refusal(() => new StrategyLab().create(ingress, made(spec)))).toBe(`Ingress.networking.k8s.io "site" is invalid: ${want}`);
  });

  it("shows its class, hosts, address and ports", () => {
    const object = {
      ...made({ ingressClassName: "nginx", rules: [{ host: "a" }, { host: "a" }, {}], tls: [{}] }),
      status: { loadBalancer: { ingress: [{ ip: "1.2.3.4" }, { hostname: "lb" }] } },
    } as unknown as KubeObject;
    const cells = ingress.columns.slice(1, -1).map((column) => column.cell(object, { now: 0 }));
    expect(cells).toEqual(["nginx", "a", "1.2.3.4,lb", "80, 443"]);
  });
});
