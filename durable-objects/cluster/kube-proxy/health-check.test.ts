import { describe, expect, it } from "vitest";
import { healthAnswer } from "./health-check.ts";
import { proxyWith, shop } from "./test-lab.ts";

describe("health check node ports", () => {
  it.each([
    { name: "answers 503 on a node without a ready endpoint", node: "node-1", status: 503, localEndpoints: 0 },
    { name: "answers 200 on a node with one", node: "node-2", status: 200, localEndpoints: 1 },
  ])("$name", ({ node, status, localEndpoints }) => {
    const [check] = proxyWith(shop).healthChecksOf(node, "IPv4");
    expect(check).toEqual({ namespace: "shop", service: "front", port: 32000, localEndpoints });
    const answer = healthAnswer(check!);
    expect({ ...answer, body: JSON.parse(new TextDecoder().decode(answer.body)) }).toEqual({
      status,
      headers: [
        ["Content-Type", "application/json"],
        ["X-Content-Type-Options", "nosniff"],
        ["X-Load-Balancing-Endpoint-Weight", String(localEndpoints)],
      ],
      body: { service: { namespace: "shop", name: "front" }, localEndpoints, serviceProxyHealthy: true },
    });
  });
});
