/**
 * Objects that kubectl makes from arguments and not from files: kubectl 1.35 sends most of them in protobuf, 1.30 in JSON.
 * Each is compared with the same object made from YAML.
 */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type KubectlVersion, type Ran, shell } from "./kubectl.ts";
import { type RunningServer, startServer } from "./server.ts";

interface Made {
  metadata: { name: string; namespace?: string; labels?: Record<string, string>; annotations?: Record<string, string> };
  spec?: Record<string, unknown>;
  [member: string]: unknown;
}

/** What to type, what came of it, and a manifest of the same. `NAME` is another one for each way. */
const cases: [line: string, object: string, yaml: string][] = [
  [
    "create deployment NAME --image=nginx:1.25 --replicas=2 --port=80",
    "deployment/NAME",
    `{apiVersion: apps/v1, kind: Deployment, metadata: {name: NAME, labels: {app: NAME}}, spec: {replicas: 2,
      selector: {matchLabels: {app: NAME}}, template: {metadata: {labels: {app: NAME}}, spec: {
        containers: [{name: nginx, image: 'nginx:1.25', ports: [{containerPort: 80}]}]}}}}`,
  ],
  [
    "create configmap NAME --from-literal=a=1 --from-literal=text='two words, ünïcode'",
    "configmap/NAME",
    "{apiVersion: v1, kind: ConfigMap, metadata: {name: NAME}, data: {a: '1', text: 'two words, ünïcode'}}",
  ],
  [
    "create secret generic NAME --from-literal=password=hunter2",
    "secret/NAME",
    "{apiVersion: v1, kind: Secret, metadata: {name: NAME}, data: {password: aHVudGVyMg==}, type: Opaque}",
  ],
  ["create namespace NAME", "namespace/NAME", "{apiVersion: v1, kind: Namespace, metadata: {name: NAME}}"],
  ["create serviceaccount NAME", "serviceaccount/NAME", "{apiVersion: v1, kind: ServiceAccount, metadata: {name: NAME}}"],
  [
    "create service clusterip NAME --tcp=80:8080 --tcp=443:https",
    "service/NAME",
    `{apiVersion: v1, kind: Service, metadata: {name: NAME, labels: {app: NAME}}, spec: {type: ClusterIP, selector: {app: NAME}, ports: [
      {name: 80-8080, port: 80, targetPort: 8080}, {name: 443-https, port: 443, targetPort: https}]}}`,
  ],
  [
    "create service clusterip NAME --clusterip=None --tcp=53",
    "service/NAME",
    `{apiVersion: v1, kind: Service, metadata: {name: NAME, labels: {app: NAME}}, spec: {clusterIP: None, selector: {app: NAME},
      ports: [{name: '53', port: 53, targetPort: 53}]}}`,
  ],
  [
    "create service nodeport NAME --tcp=80:8080",
    "service/NAME",
    `{apiVersion: v1, kind: Service, metadata: {name: NAME, labels: {app: NAME}}, spec: {type: NodePort, selector: {app: NAME},
      ports: [{name: 80-8080, port: 80, targetPort: 8080}]}}`,
  ],
  [
    "create service loadbalancer NAME --tcp=80:8080",
    "service/NAME",
    `{apiVersion: v1, kind: Service, metadata: {name: NAME, labels: {app: NAME}}, spec: {type: LoadBalancer, selector: {app: NAME},
      ports: [{name: 80-8080, port: 80, targetPort: 8080}]}}`,
  ],
  [
    "create service externalname NAME --external-name=example.com",
    "service/NAME",
    `{apiVersion: v1, kind: Service, metadata: {name: NAME, labels: {app: NAME}}, spec: {type: ExternalName, externalName: example.com,
      selector: {app: NAME}}}`,
  ],
  [
    "run NAME --image=nginx:1.25 --port=80 --env=A=b --labels=tier=web",
    "pod/NAME",
    `{apiVersion: v1, kind: Pod, metadata: {name: NAME, labels: {tier: web}}, spec: {containers: [
      {name: NAME, image: 'nginx:1.25', env: [{name: A, value: b}], ports: [{containerPort: 80}]}]}}`,
  ],
  [
    "expose deployment exposed --name=NAME --port=80 --target-port=http",
    "service/NAME",
    `{apiVersion: v1, kind: Service, metadata: {name: NAME, labels: {app: exposed}}, spec: {selector: {app: exposed},
      ports: [{port: 80, targetPort: http, protocol: TCP}]}}`,
  ],
];

describe.each<KubectlVersion>(["35", "30"])("what kubectl 1.%s makes from arguments", (version) => {
  let server: RunningServer;
  let kubeconfig: string;
  let count = 0;
  const type = (line: string, input?: string): Promise<Ran> => shell(line, kubeconfig, version, input === undefined ? {} : { input });
  const ok = async (line: string, input?: string): Promise<string> => {
    const { stdout, stderr, code } = await type(line, input);
    expect(code, `${line}\n${stdout}\n${stderr}`).toBe(0);
    return stdout;
  };

  beforeAll(async () => {
    server = await startServer();
    kubeconfig = await server.kubeconfig();
    await ok("kubectl create deployment exposed --image=nginx:1.25");
  });
  afterAll(() => server.stop());

  it(`is sent in ${version === "35" ? "protobuf" : "JSON"}`, async () => {
    const { stderr } = await type("kubectl create configmap sent --from-literal=a=1 -v=8");
    const [, sent] = /POST[\s\S]*?Content-Type: (\S+)/.exec(stderr) ?? [];
    expect(sent).toBe(version === "35" ? "application/vnd.kubernetes.protobuf" : "application/json");
  });

  it.each(cases)("is what YAML makes: kubectl %s", async (line, object, yaml) => {
    const make = async (how: (named: (text: string) => string) => Promise<unknown>): Promise<string> => {
      count += 1;
      const name = `made-${count}`;
      const named = (text: string): string => text.replaceAll("NAME", name);
      await how(named);
      const made = comparable(JSON.parse(await ok(`kubectl get ${named(object)} -o json`)) as Made);
      return JSON.stringify(made, undefined, 1).replaceAll(name, "NAME");
    };
    const fromArguments = await make((named) => ok(`kubectl ${named(line)}`));
    const fromYaml = await make((named) => ok("kubectl create -f -", `---\n${named(yaml)}`));
    expect(fromArguments).toBe(fromYaml);
  });
});

/** Without what differs between any two objects: times, versions, what the cluster allocated or did with it since. */
function comparable({ status: _, ...made }: Made): Made {
  const { name, namespace, labels, annotations } = made.metadata;
  const spec = made.spec && { ...made.spec };
  for (const allocated of ["nodeName", "volumes", "healthCheckNodePort"]) delete spec?.[allocated];
  if (spec?.clusterIP !== "None") {
    delete spec?.clusterIP;
    delete spec?.clusterIPs;
  }
  for (const port of (spec?.ports ?? []) as { nodePort?: number }[]) delete port.nodePort;
  for (const container of (spec?.containers ?? []) as { volumeMounts?: unknown }[]) delete container.volumeMounts;
  return { ...made, metadata: { name, namespace, labels, annotations }, ...(spec && { spec }) };
}
