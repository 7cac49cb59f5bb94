/** kubectl, old and new, against the running server: the commands that lean on much of the API at once. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type KubectlVersion, shell } from "./kubectl.ts";
import { type RunningServer, startServer } from "./server.ts";

const deployment = (image: string) => `apiVersion: apps/v1
kind: Deployment
metadata: {name: web, labels: {app: web}}
spec:
  replicas: 2
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec: {containers: [{name: web, image: "${image}", ports: [{containerPort: 80}]}]}
`;
const configMap = (name: string, labels: string) => `apiVersion: v1
kind: ConfigMap
metadata: {name: ${name}, labels: {${labels}}}
data: {key: value}
`;

describe.each(["30", "35"] as const)("kubectl 1.%s", (version: KubectlVersion) => {
  const folder = mkdtempSync(join(tmpdir(), "kubearium-kubectl-"));
  let server: RunningServer;
  let kubeconfig: string;

  beforeAll(async () => {
    server = await startServer();
    kubeconfig = await server.kubeconfig();
    writeFileSync(join(folder, "web.yaml"), deployment("nginx:1.26"));
    writeFileSync(join(folder, "web-new.yaml"), deployment("nginx:1.27"));
    writeFileSync(join(folder, "two.yaml"), `${configMap("kept", "set: pruned")}---\n${configMap("gone", "set: pruned")}`);
    writeFileSync(join(folder, "one.yaml"), configMap("kept", "set: pruned"));
    mkdirSync(join(folder, "layer"));
    writeFileSync(join(folder, "layer", "base.yaml"), configMap("layered", "a: b"));
    writeFileSync(
      join(folder, "layer", "kustomization.yaml"),
      "resources: [base.yaml]\nnamePrefix: my-\ncommonAnnotations: {by: kustomize}\n",
    );
    await kubectl("kubectl apply -f web.yaml && kubectl rollout status deploy/web --timeout=20s");
  });
  afterAll(async () => {
    await server.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  /** Both outputs and the exit status of a shell line. */
  async function kubectl(line: string): Promise<{ output: string; code: number | null }> {
    const { stdout, stderr, code } = await shell(`${line} 2>&1`, kubeconfig, version, { cwd: folder });
    return { output: stdout + stderr, code };
  }
  const succeeds = async (line: string): Promise<string> => {
    const { output, code } = await kubectl(line);
    expect([line, code, code === 0 ? "" : output]).toEqual([line, 0, ""]);
    return output;
  };

  it("explains fields, with their types, and whole trees", async () => {
    expect(await succeeds("kubectl explain service.spec.ports.targetPort")).toMatch(
      /KIND: +Service\nVERSION: +v1\n\nFIELD: targetPort <IntOrString>\n\n/,
    );
    expect(await succeeds("kubectl explain deploy.spec --recursive")).toMatch(
      /rollingUpdate\t<RollingUpdateDeployment>\n +maxSurge\t<IntOrString>/,
    );
    expect(await kubectl("kubectl explain pod.spec.nothing")).toEqual({
      output: 'KIND:       Pod\nVERSION:    v1\n\nerror: field "nothing" does not exist\n',
      code: 1,
    });
  });

  it("edits, and keeps a copy of what is refused", async () => {
    const edited = await succeeds(
      `kubectl create cm edited --from-literal=a=1 && EDITOR='sed -i s/\\"1\\"/\\"2\\"/' kubectl edit cm edited && kubectl get cm edited -o jsonpath='{.data.a}'`,
    );
    expect(edited).toBe("configmap/edited created\nconfigmap/edited edited\n2");
    expect(await succeeds("EDITOR=true kubectl edit cm edited")).toBe("Edit cancelled, no changes made.\n");
    const refused = await kubectl("EDITOR='sed -i s/replicas:.2/replicas:\\ -2/' kubectl edit deploy web");
    expect(refused.output).toMatch(/^error: deployments\.apps "web" is invalid\nA copy of your changes has been stored to "(.*)"\n/);
    const copy = await succeeds(`cat ${/stored to "(.*)"/.exec(refused.output)?.[1]}; rm -f /tmp/kubectl-v${version}-edit-*`);
    expect(copy).toContain("# * spec.replicas: Invalid value: -2: must be greater than or equal to 0");
  });

  it("shows what an apply would change", async () => {
    const { output, code } = await kubectl("kubectl diff -f web-new.yaml");
    expect([code, output.split("\n").filter((line) => /^[-+] /.test(line))]).toEqual([
      1,
      ["-  generation: 1", "+  generation: 2", "-      - image: nginx:1.26", "+      - image: nginx:1.27"],
    ]);
    expect(await kubectl("kubectl diff -f web.yaml")).toEqual({ output: "", code: 0 });
  });

  it("prunes what is no longer in the files", async () => {
    const pruning = "kubectl apply --prune -l set=pruned --prune-allowlist=core/v1/ConfigMap";
    expect(await succeeds(`${pruning} -f two.yaml`)).toBe("configmap/kept created\nconfigmap/gone created\n");
    expect(await succeeds(`${pruning} -f one.yaml`)).toBe("configmap/kept unchanged\nconfigmap/gone pruned\n");
  });

  it("applies a kustomization", async () => {
    const output = await succeeds(`kubectl apply -k layer && kubectl get cm my-layered -o jsonpath='{.metadata.annotations.by}'`);
    expect(output.replace(/^#? ?Warning.*\n/gm, "")).toBe("configmap/my-layered created\nkustomize");
  });

  it("rolls out, back, and stands still when told to", async () => {
    const output = await succeeds(
      [
        "kubectl set image deploy/web web=nginx:1.27",
        "kubectl rollout status deploy/web --timeout=20s | tail -1",
        "kubectl rollout undo deploy/web",
        "kubectl rollout pause deploy/web",
        "kubectl set image deploy/web web=nginx:1.25",
        "kubectl get rs -l app=web --no-headers | wc -l",
        "kubectl rollout resume deploy/web",
        "kubectl rollout restart deploy/web",
        "kubectl rollout status deploy/web --timeout=20s | tail -1",
        "kubectl rollout history deploy/web",
      ].join(" && "),
    );
    expect(output.split("\n").map((line) => line.trimEnd())).toEqual([
      "deployment.apps/web image updated",
      'deployment "web" successfully rolled out',
      "deployment.apps/web rolled back",
      "deployment.apps/web paused",
      "deployment.apps/web image updated",
      "2",
      "deployment.apps/web resumed",
      "deployment.apps/web restarted",
      'deployment "web" successfully rolled out',
      "deployment.apps/web",
      "REVISION  CHANGE-CAUSE",
      "2         <none>",
      "3         <none>",
      expect.stringMatching(/^[45] +<none>$/),
      ...(output.match(/^\d +<none>$/gm)?.length === 4 ? [expect.stringMatching(/^5 +<none>$/)] : []),
      "",
      "",
    ]);
  });

  it("waits for conditions, values, creation and deletion", async () => {
    expect(await succeeds("kubectl wait deploy/web --for=condition=Available --timeout=10s")).toBe("deployment.apps/web condition met\n");
    expect(await succeeds("kubectl wait deploy/web --for=jsonpath='{.status.readyReplicas}'=2 --timeout=10s")).toBe(
      "deployment.apps/web condition met\n",
    );
    expect(
      await succeeds(
        "kubectl create cm short && (sleep 0.3; kubectl delete cm short) & kubectl wait cm/short --for=delete --timeout=10s; wait",
      ),
    ).toMatch(/configmap "short" deleted/);
    if (version === "35") {
      const created = await succeeds("(sleep 0.3; kubectl create cm late) & kubectl wait cm/late --for=create --timeout=10s; wait");
      expect(created.split("\n").sort()).toEqual(["", "configmap/late condition met", "configmap/late created"]);
    }
    expect(await kubectl("kubectl wait deploy/web --for=condition=Never --timeout=0.2s")).toEqual({
      output: "error: timed out waiting for the condition on deployments/web\n",
      code: 1,
    });
  });

  it("prints objects in every form", async () => {
    const forms = {
      wide: /^NAME +READY +UP-TO-DATE +AVAILABLE +AGE +CONTAINERS +IMAGES +SELECTOR\n/,
      yaml: /^apiVersion: apps\/v1\nkind: Deployment\n/,
      json: /^\{\n {4}"apiVersion": "apps\/v1",\n {4}"kind": "Deployment",\n/,
      name: /^deployment\.apps\/web\n$/,
      "jsonpath='{.spec.replicas}'": /^2$/,
      "custom-columns=N:.metadata.name,R:.spec.replicas": /^N +R\nweb +2\n$/,
      "go-template='{{.metadata.name}}'": /^web$/,
    };
    const line = Object.keys(forms)
      .map((form) => `kubectl get deploy web -o ${form}; echo; echo =====`)
      .join("; ");
    const printed = (await succeeds(line)).split("\n=====\n").slice(0, -1);
    expect(printed).toEqual(Object.values(forms).map((form) => expect.stringMatching(form)));
  });

  it("labels, annotates, scales and exposes", async () => {
    const output = await succeeds(
      [
        "kubectl label deploy web tier=front",
        "kubectl label deploy web tier=back --overwrite",
        "kubectl label deploy web tier-",
        "kubectl annotate deploy web note='a b'",
        "kubectl scale deploy web --replicas=3 --current-replicas=2",
        "kubectl expose deploy web --port=80 --name=web",
        "kubectl get svc web -o jsonpath='{.spec.selector.app} {.spec.ports[0].targetPort}'",
      ].join(" && "),
    );
    expect(output).toBe(
      "deployment.apps/web labeled\ndeployment.apps/web labeled\ndeployment.apps/web unlabeled\ndeployment.apps/web annotated\ndeployment.apps/web scaled\nservice/web exposed\nweb 80",
    );
    expect(await kubectl("kubectl label deploy web app=other")).toEqual({
      output: "error: 'app' already has a value (web), and --overwrite is false\n",
      code: 1,
    });
  });

  it("describes what there is, with its events", async () => {
    const output = await succeeds(
      "kubectl wait deploy/web --for=jsonpath='{.status.readyReplicas}'=3 --timeout=10s >/dev/null; for what in deploy/web svc/web ns/default node/node-1 pod; do kubectl describe $what; echo =====; done",
    );
    const [ofDeployment, ofService, ofNamespace, ofNode, ofPods] = output.split("=====\n");
    expect(ofDeployment).toMatch(/Replicas: +3 desired \| 3 updated \| 3 total \| 3 available \| 0 unavailable\n[\s\S]*ScalingReplicaSet/);
    expect(ofService).toMatch(/Endpoints: +10\.244\.\d+\.\d+:80(,10\.244\.\d+\.\d+:80){2}\n/);
    expect(ofNamespace).toMatch(/^Name: +default\n[\s\S]*Status: +Active\n/);
    expect(ofNode).toMatch(/PodCIDR: +10\.244\.0\.0\/24\n[\s\S]*Non-terminated Pods:[\s\S]*Allocated resources:/);
    expect(ofPods).toMatch(/Status: +Running\n[\s\S]*Normal +Scheduled[\s\S]*Normal +Pulled[\s\S]*Normal +Started/);
  });

  it("is told that access reviews are not served", async () => {
    const { output, code } = await kubectl("kubectl auth can-i create pods");
    expect({ output, code }).toEqual(
      code === 0
        ? { output: "yes\n", code }
        : { output: expect.stringMatching(/the server could not find the requested resource/), code: 1 },
    );
  });
});
