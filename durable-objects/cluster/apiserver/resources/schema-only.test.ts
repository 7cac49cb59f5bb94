import { describe, expect, it } from "vitest";
import type { KubeObject } from "../../api/objects.ts";
import { emulated, resources } from "../registry.ts";
import type { ResourceStrategy } from "../resource-strategy.ts";
import { schemaOnlyStrategies } from "./schema-only.ts";
import { refusal, StrategyLab } from "./test-lab.ts";

const stored = schemaOnlyStrategies(emulated);
const strategyOf = (plural: string, version = "v1"): ResourceStrategy =>
  stored.find((of) => of.plural === plural && of.version === version) as ResourceStrategy;
const create = (plural: string, object: object): KubeObject =>
  new StrategyLab().create(strategyOf(plural), { metadata: { name: "x" }, ...object });

describe("schemaOnlyStrategies", () => {
  it("leaves out what has a strategy of its own", () => {
    const names = new Set(emulated.map(({ group, plural }) => `${group}/${plural}`));
    expect(stored.filter(({ group, plural }) => names.has(`${group}/${plural}`))).toEqual([]);
  });

  it("names a kind as the real server does", () => {
    expect(strategyOf("statefulsets")).toMatchObject({
      group: "apps",
      kind: "StatefulSet",
      singular: "statefulset",
      shortNames: ["sts"],
      categories: ["all"],
      namespaced: true,
      subresources: ["scale", "status"],
    });
  });

  it("says of every write that it has no effect", () => {
    const budget = create("poddisruptionbudgets", { spec: { minAvailable: 1 } });
    expect(strategyOf("poddisruptionbudgets").warnings?.(budget, undefined)).toEqual([
      "PodDisruptionBudget is stored and has no effect here",
    ]);
  });

  it("drops the status that a client sends", () => {
    expect(create("resourcequotas", { spec: { hard: { pods: "1" } }, status: { hard: { pods: "9" } } })).not.toHaveProperty("status");
  });

  it("starts claims as pending", () => {
    expect(create("persistentvolumeclaims", { spec: {} }).status).toEqual({ phase: "Pending" });
  });

  it.each([
    {
      plural: "daemonsets",
      object: { spec: { template: { spec: {} } } },
      want: 'DaemonSet.apps "x" is invalid: [spec.selector: Required value, spec.template.spec.containers: Required value]',
    },
    {
      plural: "rolebindings",
      object: { roleRef: { kind: "Role", apiGroup: "rbac.authorization.k8s.io" } },
      want: 'RoleBinding.rbac.authorization.k8s.io "x" is invalid: roleRef.name: Required value',
    },
    {
      plural: "controllerrevisions",
      object: { revision: 1 },
      want: 'ControllerRevision.apps "x" is invalid: data: Required value: data is mandatory',
    },
  ])("refuses in $plural what the schema does not allow", ({ plural, object, want }) => {
    expect(refusal(() => create(plural, object))).toBe(want);
  });

  it.each([
    "validatingwebhookconfigurations",
    "mutatingwebhookconfigurations",
    "validatingadmissionpolicies",
    "mutatingadmissionpolicybindings",
  ])("refuses to create %s, which would change answers", (plural) => {
    const of = strategyOf(plural);
    expect(refusal(() => create(plural, {}))).toBe(
      `${plural}.admissionregistration.k8s.io "x" is forbidden: ${of.kind} is not emulated: admission webhooks and policies would change answers, and one that is stored would never be asked`,
    );
  });

  it("reads an autoscaler of one version as the other", () => {
    const reference = { kind: "Deployment", name: "web" };
    const metrics = [{ type: "Resource", resource: { name: "cpu", target: { type: "Utilization", averageUtilization: 50 } } }];
    const of = (spec: object) => ({ metadata: { name: "x" }, spec }) as unknown as KubeObject;
    const older = { scaleTargetRef: reference, maxReplicas: 3, targetCPUUtilizationPercentage: 50 };
    const newer = { scaleTargetRef: reference, maxReplicas: 3, metrics };
    expect(strategyOf("horizontalpodautoscalers", "v2").fromStored?.(of(older)).spec).toEqual(newer);
    expect(strategyOf("horizontalpodautoscalers", "v1").fromStored?.(of(newer)).spec).toEqual(older);
  });

  it("lets component statuses be read only", () => {
    expect(strategyOf("componentstatuses").verbs).toEqual(["get", "list"]);
  });

  it("allows reviews to be created only", () => {
    expect(resources.filter(({ kind }) => kind.endsWith("Review")).map(({ verbs }) => verbs)).toEqual(Array(6).fill(["create"]));
  });
});
