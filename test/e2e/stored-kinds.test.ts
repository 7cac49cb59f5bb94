/** Kinds that are stored and no more, lists and kinds that nobody knows, as kubectl sees them; and who may do what. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type KubectlVersion, shell } from "./kubectl.ts";
import { type RunningServer, startServer } from "./server.ts";

describe.each<KubectlVersion>(["35", "30"])("stored kinds with kubectl 1.%s", (version) => {
  let server: RunningServer;
  let kubeconfig: string;
  /** What a line prints, errors and warnings first; spaces as one. */
  const type = async (line: string, input?: string): Promise<string> => {
    const { stdout, stderr } = await shell(line, kubeconfig, version, input === undefined ? {} : { input });
    return `${stderr}${stdout}`.trimEnd().replaceAll(/ {2,}/g, " ");
  };

  beforeAll(async () => {
    server = await startServer();
    kubeconfig = await server.kubeconfig();
  });
  afterAll(() => server.stop());

  it.each([
    {
      line: "kubectl create quota q --hard=pods=10",
      want: "Warning: ResourceQuota is stored and has no effect here\nresourcequota/q created",
    },
    {
      line: "kubectl create pdb p --selector=app=a --min-available=1",
      want: "Warning: PodDisruptionBudget is stored and has no effect here\npoddisruptionbudget.policy/p created",
    },
    { line: "kubectl get pdb --no-headers | sed 's/[0-9]*s *$/<age>/'", want: "p 1 N/A 0 <age>" },
    {
      line: "kubectl create role r --verb=get --resource=pods",
      want: "Warning: Role is stored and has no effect here\nrole.rbac.authorization.k8s.io/r created",
    },
    { line: "kubectl get role r -o jsonpath='{.rules}'", want: '[{"apiGroups":[""],"resources":["pods"],"verbs":["get"]}]' },
    {
      line: "kubectl get roles,pdb,quota -o name",
      want: "role.rbac.authorization.k8s.io/r\npoddisruptionbudget.policy/p\nresourcequota/q",
    },
    { line: "kubectl delete pdb p >/dev/null; kubectl get pdb", want: "No resources found in default namespace." },
    { line: "kubectl get servicecidrs,ipaddresses", want: "No resources found" },
    { line: "kubectl auth can-i create services", want: "yes" },
    { line: "kubectl auth can-i list pods --as=someone", want: "no" },
    {
      line: "kubectl get pods --as=someone",
      want: 'Error from server (Forbidden): pods is forbidden: User "someone" cannot list resource "pods" in API group "" in the namespace "default"',
    },
    { line: "kubectl auth whoami -o jsonpath='{.status.userInfo.username}'", want: "kubernetes-admin" },
  ])("$line", async ({ line, want }) => {
    expect(await type(line)).toBe(want);
  });

  it.each([
    {
      name: "a LimitRange",
      yaml: "{apiVersion: v1, kind: LimitRange, metadata: {name: l}, spec: {limits: [{type: Container, max: {cpu: '1'}}]}}",
      want: "Warning: LimitRange is stored and has no effect here\nlimitrange/l created",
    },
    {
      name: "a List",
      yaml: "{apiVersion: v1, kind: List, items: [{apiVersion: v1, kind: ConfigMap, metadata: {name: in-a-list}}]}",
      want: "configmap/in-a-list created",
    },
    {
      name: "an unknown kind",
      yaml: "{apiVersion: v1, kind: Nope, metadata: {name: x}}",
      want: 'error: resource mapping not found for name: "x" namespace: "" from "STDIN": no matches for kind "Nope" in version "v1"\nensure CRDs are installed first',
    },
    {
      name: "a kind of a group version that is gone",
      yaml: "{apiVersion: extensions/v1beta1, kind: Deployment, metadata: {name: old}}",
      want: 'error: resource mapping not found for name: "old" namespace: "" from "STDIN": no matches for kind "Deployment" in version "extensions/v1beta1"\nensure CRDs are installed first',
    },
    {
      name: "a webhook",
      yaml: "{apiVersion: admissionregistration.k8s.io/v1, kind: ValidatingWebhookConfiguration, metadata: {name: w}}",
      want: 'Error from server (Forbidden): error when creating "STDIN": validatingwebhookconfigurations.admissionregistration.k8s.io "w" is forbidden: ValidatingWebhookConfiguration is not emulated: admission webhooks and policies would change answers, and one that is stored would never be asked',
    },
    {
      name: "a StatefulSet",
      yaml: `{apiVersion: apps/v1, kind: StatefulSet, metadata: {name: db}, spec: {selector: {matchLabels: {a: b}}, serviceName: db,
        template: {metadata: {labels: {a: b}}, spec: {containers: [{name: c, image: x}]}}}}`,
      want: "Warning: StatefulSet is stored and has no effect here\nstatefulset.apps/db created",
    },
  ])("answers kubectl apply of $name", async ({ yaml, want }) => {
    expect(await type("kubectl apply -f -", `---\n${yaml}\n`)).toBe(want);
  });

  it("says that scaling has no effect either", async () => {
    expect(await type("kubectl scale statefulset db --replicas=3; kubectl get sts --no-headers | sed 's/[0-9]*s *$/<age>/'")).toBe(
      "Warning: StatefulSet is stored and has no effect here\nstatefulset.apps/db scaled\ndb 0/3 <age>",
    );
  });
});
