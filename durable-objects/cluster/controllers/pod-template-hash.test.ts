import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { podTemplateHash, podTemplateText } from "./pod-template-hash.ts";

const lines = (path: string) =>
  readFileSync(new URL(`../../../test/${path}`, import.meta.url), "utf8")
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line));

describe("podTemplateText", () => {
  it.each(lines("fixtures/pod-template-hash.vectors.jsonl"))("prints a template as Kubernetes does: $hash", ({ template, text }) => {
    expect(podTemplateText(template)).toBe(text);
  });
});

describe("podTemplateHash", () => {
  it.each(lines("fixtures/pod-template-hash.vectors.jsonl"))("is Kubernetes' own: $hash", ({ template, hash }) => {
    expect(podTemplateHash(template)).toBe(hash);
  });

  const captured = lines("golden/corpus/hash.jsonl").filter(({ kind }) => kind === "Deployment");
  it.each(captured)("names the ReplicaSet as the server did: $id $what", ({ storedTemplate, collisionCount, hash }) => {
    expect(podTemplateHash(storedTemplate, collisionCount ?? undefined)).toBe(hash);
  });
});
