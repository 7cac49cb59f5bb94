import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { resources } from "./registry.ts";
import type { ResourceStrategy } from "./resource-strategy.ts";

interface CapturedColumn {
  name: string;
  type: string;
  format: string;
  priority: number;
}

interface CapturedResource {
  name: string;
  singularName: string;
  namespaced: boolean;
  kind: string;
  shortNames?: string[];
  categories?: string[];
}

const reference = <T>(file: string): Record<string, T> => JSON.parse(readFileSync(`test/reference/openapi/${file}`, "utf8"));
const columns = reference<CapturedColumn[]>("columns.json");
const lists = reference<{ resources: CapturedResource[] }>("resources.json");

const pathOf = (of: ResourceStrategy): string => (of.group === "" ? `api/${of.version}` : `apis/${of.group}/${of.version}`);
const served = resources.map((of) => ({ of, path: `${pathOf(of)}/${of.plural}` }));

describe("the registry", () => {
  it.each(served.filter(({ of }) => of.verbs?.includes("list") !== false))(
    "shows $path in the columns of the real server",
    ({ of, path }) => {
      expect(of.columns.map(({ name, type = "string", format = "", priority = 0 }) => ({ name, type, format, priority }))).toEqual(
        columns[path],
      );
    },
  );

  it("serves every resource of the real server, each once", () => {
    const captured = Object.entries(lists).flatMap(([path, list]) => list.resources.map(({ name }) => ({ name, path: `${path}/${name}` })));
    const whole = captured.filter(({ name }) => !name.includes("/"));
    expect(served.map(({ path }) => path).sort()).toEqual(whole.map(({ path }) => path).sort());
  });

  it.each(served)("names $path as the real server does", ({ of }) => {
    const captured = lists[pathOf(of)]?.resources ?? [];
    const { name, singularName, namespaced, kind, shortNames, categories } = captured.find(
      (item) => item.name === of.plural,
    ) as CapturedResource;
    expect(of).toMatchObject({ plural: name, singular: singularName, namespaced, kind });
    expect([of.shortNames, of.categories]).toEqual([shortNames, categories]);
    const subresources = captured.map((item) => item.name.split("/")).filter(([plural, sub]) => plural === of.plural && sub !== undefined);
    expect([...of.subresources].sort()).toEqual(subresources.map(([, sub]) => sub).sort());
  });
});
