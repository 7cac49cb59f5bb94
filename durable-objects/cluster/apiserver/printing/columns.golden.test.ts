import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { resources } from "../registry.ts";

interface CapturedColumn {
  name: string;
  type: string;
  format: string;
  priority: number;
}

const captured = JSON.parse(readFileSync("test/reference/openapi/columns.json", "utf8")) as Record<string, CapturedColumn[]>;

describe("columns", () => {
  it.each(resources.map((of) => ({ of, path: `${of.group === "" ? "api" : `apis/${of.group}`}/${of.version}/${of.plural}` })))(
    "of $path are those of the real server",
    ({ of, path }) => {
      expect(of.columns.map(({ name, type = "string", format = "", priority = 0 }) => ({ name, type, format, priority }))).toEqual(
        captured[path],
      );
    },
  );
});
