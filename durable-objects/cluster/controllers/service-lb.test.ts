import { describe, expect, it } from "vitest";
import type { Service } from "../api/objects.ts";
import { balance, isBalanced } from "./service-lb.ts";
import { service } from "./test-objects.ts";

const balanced = (name: string, ip?: string, spec: object = {}): Service => ({
  ...service(name, { type: "LoadBalancer", ...spec }),
  status: { loadBalancer: ip === undefined ? {} : { ingress: [{ ip }] } },
});

describe("balance", () => {
  it.each<{ name: string; of: Service; others: Service[]; mode: "cloud" | "local"; want: object }>([
    {
      name: "gives the first free address in a cloud",
      of: balanced("b"),
      others: [balanced("a", "203.0.113.10")],
      mode: "cloud",
      want: { give: "203.0.113.11" },
    },
    {
      name: "keeps the address a Service has",
      of: balanced("b", "203.0.113.99"),
      others: [],
      mode: "cloud",
      want: { give: "203.0.113.99" },
    },
    {
      name: "gives the address a Service asks for",
      of: balanced("b", undefined, { loadBalancerIP: "203.0.113.50" }),
      others: [],
      mode: "cloud",
      want: { give: "203.0.113.50" },
    },
    {
      name: "shares one address where the ports differ",
      of: balanced("b", undefined, { ports: [{ port: 81 }] }),
      others: [balanced("a", "203.0.113.1")],
      mode: "local",
      want: { give: "203.0.113.1" },
    },
    {
      name: "says who has the port where they do not",
      of: balanced("b"),
      others: [balanced("a", "203.0.113.1")],
      mode: "local",
      want: { give: undefined, why: "port 80/TCP of 203.0.113.1 is in use by Service demo/a" },
    },
  ])("$name", ({ of, others, mode, want }) => {
    expect(balance(of, others, mode)).toEqual(want);
  });
});

describe("isBalanced", () => {
  it("leaves Services with a class of their own to others", () => {
    expect([
      isBalanced(balanced("a")),
      isBalanced(balanced("b", undefined, { loadBalancerClass: "example.org/lb" })),
      isBalanced(service("c")),
    ]).toEqual([true, false, false]);
  });
});
