import { beforeEach, describe, expect, it } from "vitest";
import type { Deployment } from "../../api/objects.ts";
import { deployment } from "./deployment.ts";
import { refusal, StrategyLab } from "./test-lab.ts";

let lab: StrategyLab;
beforeEach(() => {
  lab = new StrategyLab();
});

const template = { metadata: { labels: { app: "web" } }, spec: { containers: [{ name: "web", image: "nginx" }] } };
const selector = { matchLabels: { app: "web" } };
const make = (spec: object): Deployment =>
  lab.create(deployment, { metadata: { name: "web" }, spec: { selector, template, ...spec } }) as Deployment;

describe("Deployment defaults", () => {
  it("are those of a rolling update", () => {
    const { template: _, ...spec } = make({}).spec;
    expect(spec).toEqual({
      replicas: 1,
      selector,
      strategy: { type: "RollingUpdate", rollingUpdate: { maxSurge: "25%", maxUnavailable: "25%" } },
      revisionHistoryLimit: 10,
      progressDeadlineSeconds: 600,
    });
  });

  it("of the template leave out what only a pod has", () => {
    expect(make({}).spec.template).toEqual({
      metadata: { labels: { app: "web" } },
      spec: {
        containers: [
          {
            name: "web",
            image: "nginx",
            imagePullPolicy: "Always",
            resources: {},
            terminationMessagePath: "/dev/termination-log",
            terminationMessagePolicy: "File",
          },
        ],
        dnsPolicy: "ClusterFirst",
        restartPolicy: "Always",
        schedulerName: "default-scheduler",
        securityContext: {},
        terminationGracePeriodSeconds: 30,
      },
    });
  });
});

describe("a Deployment", () => {
  it.each([
    {
      name: "a selector that does not fit the template",
      spec: { selector: { matchLabels: { app: "x" } } },
      want: 'spec.template.metadata.labels: Invalid value: {"app":"web"}: `selector` does not match template `labels`',
    },
    {
      name: "an empty selector",
      spec: { selector: {} },
      want: "spec.selector: Invalid value: {}: empty selector is invalid for deployment",
    },
    {
      name: "a rolling update that can do nothing",
      spec: { strategy: { rollingUpdate: { maxSurge: 0, maxUnavailable: 0 } } },
      want: "spec.strategy.rollingUpdate.maxUnavailable: Invalid value: 0: may not be 0 when `maxSurge` is 0",
    },
    {
      name: "a pod that ends",
      spec: { template: { ...template, spec: { ...template.spec, restartPolicy: "Never" } } },
      want: 'spec.template.spec.restartPolicy: Unsupported value: "Never": supported values: "Always"',
    },
  ])("is refused with $name", ({ spec, want }) => {
    expect(refusal(() => make(spec))).toBe(`Deployment.apps "web" is invalid: ${want}`);
  });

  it("cannot change its selector", () => {
    make({});
    const labels = { app: "web", tier: "front" };
    const change = { selector: { matchLabels: labels }, template: { ...template, metadata: { labels } } };
    expect(refusal(() => lab.patch(deployment, "web", change))).toBe(
      'Deployment.apps "web" is invalid: spec.selector: Invalid value: {"matchLabels":{"app":"web","tier":"front"}}: field is immutable',
    );
  });

  it("counts a change of its annotations as a new generation", () => {
    const previous = make({});
    previous.metadata.generation = 4;
    const next = structuredClone(previous);
    next.metadata.annotations = { a: "1" };
    deployment.prepareForUpdate?.(next, previous, lab.context);
    expect(next.metadata.generation).toBe(5);
  });
});
