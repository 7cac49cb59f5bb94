import { describe, expect, it } from "vitest";
import { goldenFolder } from "../../../test/golden-dns/world.ts";
import { compareDns } from "../../../test/golden-dns.ts";

describe("the captures of a real cluster's DNS", () => {
  it("match line by line: server, stub resolvers, tools and DNS over HTTPS", async () => {
    const { matched, total, missing, failures } = await compareDns(goldenFolder());
    expect({ missing, failures }).toEqual({ missing: [], failures: [] });
    expect(matched).toBe(total);
  });
});
