import { describe, expect, it } from "vitest";
import type { Namespace } from "../../api/objects.ts";
import { namespace } from "./namespace.ts";
import { refusal, StrategyLab } from "./test-lab.ts";

const lab = new StrategyLab();
const existing = lab.create(namespace, { metadata: { name: "shop" } }) as Namespace;

describe("Namespace", () => {
  it("is born with its name as label, the finalizer and the phase", () => {
    expect({ labels: existing.metadata.labels, spec: existing.spec, status: existing.status }).toEqual({
      labels: { "kubernetes.io/metadata.name": "shop" },
      spec: { finalizers: ["kubernetes"] },
      status: { phase: "Active" },
    });
  });

  it("keeps its finalizers in a plain update and changes them through finalize", () => {
    const emptied = (subresource?: "finalize") => {
      const next = structuredClone(existing);
      next.spec = { finalizers: [] };
      namespace.prepareForUpdate?.(next, existing, { ...lab.context, ...(subresource ? { subresource } : {}) });
      return next.spec;
    };
    expect([emptied(), emptied("finalize")]).toEqual([{ finalizers: ["kubernetes"] }, { finalizers: [] }]);
  });

  it.each([
    ["default", 'namespaces "default" is forbidden: this namespace may not be deleted'],
    ["kube-system", 'namespaces "kube-system" is forbidden: this namespace may not be deleted'],
    ["kube-node-lease", ""],
  ])("may go or not: %s", (name, want) => {
    expect(refusal(() => namespace.beforeDelete?.({ ...existing, metadata: { ...existing.metadata, name } }, lab.context))).toBe(want);
  });

  it("is Terminating only while it is being deleted", () => {
    const errors = namespace.validateStatusUpdate?.({ ...existing, status: { phase: "Terminating" } }, existing, lab.context);
    expect(errors).toEqual([
      {
        type: "FieldValueInvalid",
        field: "status.Phase",
        message: "Invalid value: \"Terminating\": may only be 'Active' if `deletionTimestamp` is empty",
      },
    ]);
  });
});
