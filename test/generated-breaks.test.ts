/**
 * Every field that a packet's way depends on, broken in every way: the cause has a name, and its patches repair it.
 * All of them with `FULL=1`, a seeded tenth otherwise. The figures are printed.
 */
import { beforeAll, describe, expect, it } from "vitest";
import { SeededRandom } from "../durable-objects/cluster/api/seeded-random.ts";
import { workingClusters } from "./broken-clusters.ts";
import { type Break, breaksOf, type FlowOutcome, isMechanical, isNamed, type Outcome, tryBreaks } from "./generated-breaks.ts";

const full = process.env["FULL"] === "1";
const random = new SeededRandom(20_261_124);
const all = workingClusters.flatMap(breaksOf);
const chosen = all.filter(() => full || random.int(10) === 0);

const lostFlows = (outcomes: readonly Outcome[]): (FlowOutcome & { name: string })[] =>
  outcomes.flatMap(({ name, flows }) => flows.map((flow) => ({ ...flow, name })));
const share = (part: number, whole: number): string => `${part} of ${whole} (${((100 * part) / whole).toFixed(1)} %)`;
const told = ({ name, flow, code, also }: FlowOutcome & { name: string }): string => `${name} | ${flow} | ${[code, ...also].join(", ")}`;

describe("generated breaks", () => {
  let outcomes: Outcome[] = [];
  let lost: ReturnType<typeof lostFlows> = [];
  beforeAll(() => {
    outcomes = chosen.map((each) => tryBreaks(each.cluster, [each]));
    lost = lostFlows(outcomes);
  }, 600_000);

  it("have a named cause: at most 2 % of lost flows stay unexplained", () => {
    const unexplained = lost.filter((flow) => !isNamed(flow));
    const refused = outcomes.filter(({ refused }) => refused).length;
    console.log(
      `${chosen.length} breaks, ${refused} refused by the API, ${lost.length} flows lost; unexplained: ${share(unexplained.length, lost.length)}`,
    );
    expect(lost.length).toBeGreaterThan(20);
    expect({ share: unexplained.length / lost.length <= 0.02, unexplained: unexplained.map(told) }).toMatchObject({ share: true });
  });

  it("are repaired by the patches of why: at least 90 % of the mechanical ones, and nothing else stops working", () => {
    const mechanical = lost.filter(isMechanical);
    const open = mechanical.filter(({ repaired }) => !repaired);
    console.log(
      `mechanical: repaired ${share(mechanical.length - open.length, mechanical.length)}; of all: ${share(lost.filter(({ repaired }) => repaired).length, lost.length)}`,
    );
    for (const flow of open) console.log(`not repaired: ${told(flow)}`);
    expect({ share: open.length / mechanical.length <= 0.1, open: open.map(told) }).toMatchObject({ share: true });
  });
});

describe("two breaks at once", () => {
  const pick = (cluster: string, pattern: RegExp): Break =>
    breaksOf(workingClusters.find(({ name }) => name === cluster)!).find(({ name }) => pattern.test(name))!;

  it.each([
    {
      cluster: "named ports",
      first: /Service shop-numbers spec.selector.app: typo \(shop/,
      second: /Service shop-numbers .*targetPort: off by one/,
      codes: ["selector-typo", "target-port-closed"],
    },
    {
      cluster: "policies",
      first: /NetworkPolicy client spec.egress.1: removed/,
      second: /NetworkPolicy api spec.ingress.0.ports.0: removed/,
      codes: ["policy-egress", "policy-ingress"],
    },
    {
      cluster: "policies",
      first: /NetworkPolicy client spec.egress.1: removed/,
      second: /NetworkPolicy client spec.egress.0.ports.0.port: off by one/,
      codes: ["dns-policy", "policy-egress"],
    },
    {
      cluster: "policies",
      first: /Service api spec.ports.0.targetPort: removed/,
      second: /NetworkPolicy api spec.ingress.0.ports.0: removed/,
      codes: ["target-port-closed", "policy-ingress"],
    },
  ])("$cluster: also holds the second, and both are repaired ($codes)", ({ cluster, first, second, codes }) => {
    const [of] = workingClusters.filter(({ name }) => name === cluster) as [(typeof workingClusters)[number]];
    const [flow] = tryBreaks(of, [pick(cluster, first), pick(cluster, second)]).flows;
    expect({ codes: [flow?.code, ...(flow?.also ?? [])], repaired: flow?.repaired }).toEqual({ codes, repaired: true });
  });
});
