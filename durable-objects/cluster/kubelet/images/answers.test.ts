import { readFileSync, writeFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { TestCluster } from "../test-cluster.ts";
import { type Answer, answers, referencePage } from "./test-answers.ts";

const page = "docs/reference/images.md";

function seen({ image, args, port, ask }: Answer): Answer {
  const cluster = new TestCluster({ startDelayMs: 0 });
  const container = { name: "c", image, ports: [{ containerPort: port }], ...(args ? { args } : {}) };
  cluster.bind("app-1", { containers: [container] });
  const pod = cluster.pod("app-1");
  const lines = () => cluster.kubelet.logOf(pod, pod.spec.containers[0]!, false).length;
  const before = lines();
  const listener = cluster.kubelet.machines
    .listeners({ namespace: "default", name: "app-1" })
    .find((each) => each.protocol === "TCP" && each.port === port);
  const [method = "", path = ""] = ask.split(" ");
  const response = listener?.http?.(
    { method, path, headers: [["Host", "app"]], body: new Uint8Array() },
    { ip: "10.244.1.9", port: 40000 },
  );
  const headers = response?.headers ?? [];
  return {
    image,
    ...(args ? { args } : {}),
    port,
    ask,
    status: response?.status ?? 0,
    type: headers.find(([name]) => name.toLowerCase() === "content-type")?.[1] ?? "",
    headers: headers.map(([name]) => name).join(", "),
    log: lines() > before,
  };
}

describe("what the images answer", () => {
  it.each(answers.map((answer) => ({ name: `${answer.image} to ${answer.ask}`, answer })))("$name", ({ answer }) => {
    expect(seen(answer)).toEqual(answer);
  });

  it("stands in the reference as it is tested", () => {
    if (process.env.UPDATE) writeFileSync(page, referencePage());
    expect(readFileSync(page, "utf8")).toBe(referencePage());
  });
});
