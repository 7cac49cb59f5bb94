/** Says in an event where the annotation `kubearium.dev/fault` of an object names no fault: nothing is accepted in silence. */
import type { Change } from "../api/change-tracker.ts";
import type { Controller } from "../api/controller.ts";
import type { KubeObject } from "../api/objects.ts";
import { faultAnnotation, workloads } from "./fault-kinds.ts";
import { unknownFaults } from "./faults.ts";

const looked =
  (resource: string) =>
  ({ before, after }: Change<KubeObject>): string[] => {
    const text = after?.metadata.annotations?.[faultAnnotation];
    if (after === undefined || text === undefined || before?.metadata.annotations?.[faultAnnotation] === text) return [];
    return [[resource, after.metadata.namespace ?? "", after.metadata.name].join("/")];
  };

export const faultReporter: Controller = {
  name: "kubearium",
  watches: Object.fromEntries(["nodes", ...workloads].map((resource) => [resource, looked(resource)])),
  reconcile(key, context) {
    const [resource = "", namespace, name = ""] = key.split("/");
    const object = context.get<KubeObject>(resource, namespace, name);
    if (object === undefined) return;
    for (const words of unknownFaults(resource, object)) {
      const forms = resource === "nodes" ? nodeForms : podForms;
      const message = `${faultAnnotation}: ${JSON.stringify(words)} is no fault of a ${object.kind}; there are ${forms}`;
      context.event(object, "Warning", "UnknownFault", message, faultReporter.name);
    }
  },
};

const nodeForms = "node-down, split <node>, latency <node> <n>ms, loss <node> <n>%";
const podForms = "pod-crash, oom, slow-start <n>s, failing-probe startup|readiness|liveness, image-missing";
