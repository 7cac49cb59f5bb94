import { describe, expect, it } from "vitest";
import { TestCluster } from "../../test-cluster.ts";
import { commandPlace, runCommand } from "../command.ts";

const kernel = `# virtual servers (ipvsadm-save -n form)
-A -t 10.96.10.2:80 -s rr -p 10800
-a -t 10.96.10.2:80 -r 10.244.0.11:8080 -m -w 1
-A -u 10.96.0.10:53 -s rr
`;

async function run(words: string, spec: object, securityContext: object = { privileged: true }) {
  const cluster = new TestCluster({ startDelayMs: 0 });
  Object.assign(cluster.network, { rulesOn: (node: string) => ({ mode: "ipvs", kernel: node === "node-1" ? kernel : "" }) });
  cluster.kubelet.connect(cluster.network);
  const pod = cluster.bind("tools", {
    containers: [{ name: "c", image: "nicolaka/netshoot", command: ["sleep", "infinity"], securityContext }],
    ...spec,
  });
  const where = commandPlace(cluster.kubelet, cluster.kubelet.place(pod, pod.spec.containers[0]!));
  const said = { out: "", err: "" };
  const add = (to: "out" | "err") => (data: Uint8Array) => {
    said[to] += new TextDecoder().decode(data);
  };
  const signal = new AbortController().signal;
  const result = await runCommand(where, words.split(" "), { out: add("out"), err: add("err"), delay: async () => {}, signal });
  return { ...result, ...said };
}

describe("tools of a node", () => {
  it("lists virtual servers with their endpoints and persistence", async () => {
    expect(await run("ipvsadm -Ln", { hostNetwork: true })).toEqual({
      exitCode: 0,
      err: "",
      out: `IP Virtual Server version 1.2.1 (size=4096)
Prot LocalAddress:Port Scheduler Flags
  -> RemoteAddress:Port           Forward Weight ActiveConn InActConn
TCP  10.96.10.2:80 rr persistent 10800
  -> 10.244.0.11:8080             Masq    1      0          0         
UDP  10.96.0.10:53 rr
`,
    });
  });

  it("shows the tables of the iptables proxy to nft as none of its own", async () => {
    expect(await run("nft list ruleset", { hostNetwork: true })).toEqual({ exitCode: 0, err: "", out: "" });
  });

  it("shows a pod with a network of its own no rules of the node", async () => {
    expect((await run("ipvsadm -S", {})).out).toBe("");
  });

  it("refuses a container without the right to look", async () => {
    expect(await run("iptables -L", { hostNetwork: true }, {})).toEqual({
      exitCode: 4,
      out: "",
      err: "iptables v1.8.9 (nf_tables): Could not fetch rule set generation id: Permission denied (you must be root)\n",
    });
  });
});
