import { describe, expect, it } from "vitest";
import { fieldSelectorFor } from "./field-selector.ts";
import type { KubeObject } from "./objects.ts";
import type { StatusError } from "./status-error.ts";

const web = {
  apiVersion: "v1",
  kind: "Pod",
  metadata: { name: "web", namespace: "shop" },
  status: { phase: "Running" },
} as unknown as KubeObject;
const pods = { selectableFields: { "status.phase": (pod: KubeObject) => pod.status.phase as string } };

describe("fieldSelectorFor", () => {
  it.each([
    ["", true],
    ["metadata.name=web", true],
    ["metadata.name==web,,metadata.namespace=shop", true],
    ["status.phase!=Running", false],
    ["metadata.name=w\\,b", false],
  ])("tests %j as %s", (text, want) => {
    expect(fieldSelectorFor(pods, text)(web)).toBe(want);
  });

  it.each([
    [pods, "spec.nope=1", "field label not supported: spec.nope"],
    [{}, "foo=bar", '"foo" is not a known field selector: only "metadata.name", "metadata.namespace"'],
    [{}, "metadata.name>m", "invalid selector: 'metadata.name>m'; can't understand 'metadata.name>m'"],
    [{}, "metadata.name=m\\x", "invalid field selector: invalid escape sequence: \\x"],
    [{}, "metadata.name===m", "invalid field selector: unescaped character in value: 61"],
  ])("refuses what it cannot read", (of, text, want) => {
    const message = (): string => {
      try {
        fieldSelectorFor(of, text);
        return "";
      } catch (error) {
        return (error as StatusError).status.message ?? "";
      }
    };
    expect(message()).toBe(want);
  });
});
