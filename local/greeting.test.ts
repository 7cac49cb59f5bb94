import { describe, expect, it } from "vitest";
import { greeting } from "./greeting.ts";

describe("greeting", () => {
  it("says where the page is, how kubectl gets there, and one thing to try", () => {
    expect(
      greeting({ url: "http://127.0.0.1:8787", dataFolder: ".kubearium", kubectlFound: true }),
    ).toBe(`Kubearium runs: http://127.0.0.1:8787/s/demo/ui/
Kept in .kubearium (begin anew: npm start -- --fresh). Ctrl-C ends it.

kubectl, from bash:
  curl -s http://127.0.0.1:8787/s/demo/kubeconfig -o kubearium-demo.yaml
  export KUBECONFIG="$PWD/kubearium-demo.yaml"
kubectl, from PowerShell:
  Invoke-WebRequest http://127.0.0.1:8787/s/demo/kubeconfig -OutFile kubearium-demo.yaml
  $env:KUBECONFIG = "$PWD/kubearium-demo.yaml"
then try:
  kubectl get nodes,services
`);
  });

  it("names the certificate under TLS, and where to get kubectl", () => {
    const said = greeting({ url: "https://127.0.0.1:8787", dataFolder: "d", certificateFile: "/d/tls/cert.pem", kubectlFound: false });
    expect(said).toContain('curl -s --cacert "/d/tls/cert.pem" https://127.0.0.1:8787/s/demo/kubeconfig -o kubearium-demo.yaml');
    expect(said).toContain("kubectl is not installed here: https://kubernetes.io/docs/tasks/tools/");
  });
});
