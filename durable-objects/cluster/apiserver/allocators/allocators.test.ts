import { describe, expect, it } from "vitest";
import type { Service } from "../../api/objects.ts";
import { SeededRandom } from "../../api/seeded-random.ts";
import { ClusterIPAllocator } from "./cluster-ips.ts";
import { NodePortAllocator } from "./node-ports.ts";

const withIP = (clusterIP: string) => ({ spec: { clusterIPs: [clusterIP] } }) as Service;
const withPort = (nodePort: number) => ({ spec: { ports: [{ port: 80, nodePort }] } }) as Service;

/** Takes addresses until there are none, in the order in which they were given. */
function exhaust(serviceCIDR: string, seed: number): string[] {
  const ips = new ClusterIPAllocator(serviceCIDR);
  const random = new SeededRandom(seed);
  const given: string[] = [];
  for (;;) {
    const ip = ips.allocate("IPv4", random);
    if (ip === undefined) return given;
    ips.observe({ before: undefined, after: withIP(ip) });
    given.push(ip);
  }
}

const lastByte = (ip: string): number => Number(ip.split(".")[3]);

describe("ClusterIPAllocator", () => {
  it("uses the low band of a /24 only when the rest is taken, and never the first and last address", () => {
    const given = exhaust("10.50.0.0/24", 7).map(lastByte);
    expect([...given].sort((a, b) => a - b)).toEqual(Array.from({ length: 254 }, (_, at) => at + 1));
    expect(given.findIndex((byte) => byte <= 16)).toBe(238);
    expect(given.slice(0, 20)).not.toEqual([...given.slice(0, 20)].sort((a, b) => a - b));
  });

  it("has no low band in a /28", () => {
    expect(
      exhaust("10.70.0.0/28", 3)
        .map(lastByte)
        .sort((a, b) => a - b),
    ).toEqual(Array.from({ length: 14 }, (_, at) => at + 1));
  });

  it("draws from above the first 256 addresses of a /12", () => {
    const ips = new ClusterIPAllocator("10.96.0.0/12");
    const random = new SeededRandom(1);
    const drawn = Array.from({ length: 500 }, () => ips.allocate("IPv4", random) as string);
    expect(drawn.filter((ip) => ip.startsWith("10.96.0."))).toEqual([]);
  });

  it.each([
    ["10.50.0.9", undefined],
    ["10.50.0.1", "allocated"],
    ["10.50.0.0", "out-of-range"],
    ["10.50.0.255", "out-of-range"],
    ["10.50.1.3", "out-of-range"],
    ["fd00::1", "out-of-range"],
  ])("says of %s: %s", (ip, want) => {
    const ips = new ClusterIPAllocator("10.50.0.0/24");
    ips.observe({ before: undefined, after: withIP("10.50.0.1") });
    expect(ips.reserve(ip)).toBe(want);
  });

  it("gives back what a Service lets go", () => {
    const ips = new ClusterIPAllocator("10.50.0.0/24");
    ips.observe({ before: undefined, after: withIP("10.50.0.9") });
    ips.observe({ before: withIP("10.50.0.9"), after: withIP("None") });
    expect(ips.reserve("10.50.0.9")).toBeUndefined();
  });
});

describe("NodePortAllocator", () => {
  it.each([
    { range: { from: 30000, to: 30063 }, low: 30015, after: 48 },
    { range: { from: 32000, to: 32009 }, low: 31999, after: -1 },
  ])("uses the low band of $range.from-$range.to last", ({ range, low, after }) => {
    const ports = new NodePortAllocator(range);
    const random = new SeededRandom(5);
    const given: number[] = [];
    for (;;) {
      const port = ports.allocate(random, new Set());
      if (port === undefined) break;
      ports.observe({ before: undefined, after: withPort(port) });
      given.push(port);
    }
    expect(given.length).toBe(range.to - range.from + 1);
    expect(given.findIndex((port) => port <= low)).toBe(after);
  });

  it("forgets a port only with its last Service", () => {
    const ports = new NodePortAllocator({ from: 30000, to: 32767 });
    ports.observe({ before: undefined, after: withPort(30001) });
    ports.observe({ before: withPort(30001), after: withPort(30002) });
    expect([ports.has(30001), ports.has(30002)]).toEqual([false, true]);
  });
});
