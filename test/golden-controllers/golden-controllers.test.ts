import { describe, expect, it } from "vitest";
import { compareControllers } from "../golden-controllers.ts";

/** The rest takes longer and is played by `npm run test:golden -- controllers`. */
const quick =
  /^(deployment-(rolling|recreate|rollback|pause|min-ready|progress|scale)|replicaset-(adopts|releases|failed)|endpoints-(first|port|termination|selector|named)|gc-|namespace-|kubernetes-service|hints-|mirroring-(when|basic)|node-)/;

describe("the controllers", () => {
  it("do in the captured scenarios what the real control plane did", async () => {
    const { matched, failures } = await compareControllers("test/golden", undefined, (name) => quick.test(name));
    expect(failures).toEqual([]);
    expect(matched).toBeGreaterThan(40);
  });
});
