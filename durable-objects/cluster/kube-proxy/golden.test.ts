/** The captures of the real kube-proxy, byte for byte, and its real connections. */
import { existsSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { compareProxy } from "../../../test/golden-proxy.ts";

const golden = process.env.GOLDEN ?? (existsSync("test/golden/proxy") ? "test/golden" : "/work/shared/golden");

describe("kube-proxy against its captures", () => {
  it("writes what the real one wrote and sends connections where the real ones went", async () => {
    const { failures, matched, total } = await compareProxy(golden);
    expect(failures).toEqual([]);
    expect(matched).toBe(total);
    expect(total).toBeGreaterThan(0);
  });
});
