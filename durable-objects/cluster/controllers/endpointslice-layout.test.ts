import { describe, expect, it } from "vitest";
import type { EndpointSlice, SliceEndpoint } from "../api/objects.ts";
import { layOut } from "./endpointslice-layout.ts";

const ports = [{ name: "", port: 80, protocol: "TCP" }];
const endpoints = (from: number, to: number): SliceEndpoint[] =>
  Array.from({ length: to - from + 1 }, (_, at) => ({ addresses: [`10.0.0.${from + at}`], conditions: { ready: true } }));
const slice = (name: string, of: SliceEndpoint[], own: EndpointSlice["ports"] = ports): EndpointSlice => ({
  apiVersion: "discovery.k8s.io/v1",
  kind: "EndpointSlice",
  metadata: { name, namespace: "demo", uid: name, resourceVersion: "1", creationTimestamp: "2030-01-01T00:00:00Z" },
  addressType: "IPv4",
  endpoints: of,
  ports: own,
});

/** `[slice or "new", endpoints]` of each write, and the names of what is deleted. */
function laidOut(present: EndpointSlice[], desired: SliceEndpoint[], capacity = 3) {
  const { writes, deletes } = layOut(present, desired.length === 0 ? [] : [{ ports, endpoints: desired }], () => false, capacity);
  return {
    writes: writes.map(({ slice: of, endpoints }) => [of?.metadata.name ?? "new", endpoints.length]),
    deletes: deletes.map(({ metadata }) => metadata.name),
  };
}

describe("layOut", () => {
  it("makes an empty slice where there is nothing", () => {
    expect(laidOut([], [])).toEqual({ writes: [["new", 0]], deletes: [] });
  });

  it("leaves an empty slice alone", () => {
    expect(laidOut([slice("s", [], null)], [])).toEqual({ writes: [], deletes: [] });
  });

  it("writes nothing where nothing changed", () => {
    expect(laidOut([slice("s", endpoints(1, 2))], endpoints(1, 2))).toEqual({ writes: [], deletes: [] });
  });

  it("makes full slices for what exceeds, and reuses the empty one for the rest", () => {
    expect(laidOut([slice("s", [], null)], endpoints(1, 5))).toEqual({
      writes: [
        ["new", 3],
        ["s", 2],
      ],
      deletes: [],
    });
  });

  it("fills a slice that is written anyway before any other", () => {
    const present = [slice("a", endpoints(1, 2)), slice("b", endpoints(4, 5))];
    expect(laidOut(present, [...endpoints(2, 2), ...endpoints(4, 5), ...endpoints(7, 7)])).toEqual({ writes: [["a", 2]], deletes: [] });
  });

  it("puts what is new into the fullest slice that can hold all of it", () => {
    const present = [slice("a", endpoints(1, 1)), slice("b", endpoints(4, 5)), slice("c", endpoints(7, 9))];
    expect(laidOut(present, [...endpoints(1, 1), ...endpoints(4, 5), ...endpoints(7, 10)])).toEqual({ writes: [["b", 3]], deletes: [] });
  });

  it("removes an emptied slice without moving the others", () => {
    const present = [slice("a", endpoints(1, 3)), slice("b", endpoints(4, 4))];
    expect(laidOut(present, endpoints(4, 4))).toEqual({ writes: [], deletes: ["a"] });
  });

  it("keeps the last slice, empty", () => {
    expect(laidOut([slice("a", endpoints(1, 3))], [])).toEqual({ writes: [["a", 0]], deletes: [] });
  });
});
