import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { en } from "../durable-objects/cluster/explain/messages/en.ts";
import { whyReference, whyReferencePath } from "../scripts/why-reference.ts";

describe("docs/reference/why.md", () => {
  it("is what the script writes: npx tsx scripts/why-reference.ts", () => {
    expect(readFileSync(whyReferencePath, "utf8")).toBe(whyReference());
  });

  it("has one section for each code, and no sentence is left open", () => {
    const page = whyReference();
    const sections = [...page.matchAll(/^### (.+)$/gm)].map(([, code]) => code);
    expect(sections.sort()).toEqual(Object.keys(en.why).sort());
    expect(/undefined|NaN|\[object/.test(page)).toBe(false);
  });
});
