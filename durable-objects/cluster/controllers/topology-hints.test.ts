import { describe, expect, it } from "vitest";
import type { SliceEndpoint } from "../api/objects.ts";
import { node } from "./test-objects.ts";
import { zoneHints } from "./topology-hints.ts";

const inZone = (zone: string, index: number): SliceEndpoint => ({ addresses: [`10.0.0.${index}`], conditions: { ready: true }, zone });
const nodes = ["a", "b", "c"].map((zone) => node({ name: `node-${zone}`, labels: { "topology.kubernetes.io/zone": zone } }));
const hints = (zones: string, of = nodes) => {
  const answer = zoneHints([...zones].map(inZone), of);
  return answer.zones ? [...answer.zones.values()].join("") : answer.why;
};

describe("zoneHints", () => {
  it.each([
    { name: "keeps endpoints in their zones where they fit", zones: "abc", want: "abc" },
    { name: "gives the first endpoints of a full zone to others", zones: "abcaaa", want: "bbccaa" },
    { name: "needs an endpoint for each zone", zones: "ab", want: "Insufficient number of endpoints (2 endpoints, 3 zones)" },
    {
      name: "overloads no zone",
      zones: "abca",
      want: "Unable to allocate minimum required endpoints to each zone without exceeding overload threshold (4 endpoints, 3 zones)",
    },
  ])("$name", ({ zones, want }) => {
    expect(hints(zones)).toBe(want);
  });

  it("needs to know every node's zone", () => {
    expect(hints("abc", [...nodes, node({ name: "node-d" })])).toBe(
      "Insufficient Node information: allocatable CPU or zone not specified on one or more nodes",
    );
  });
});
