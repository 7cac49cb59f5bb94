/** What `npm start` says once it runs: where the page is, how kubectl gets there, one thing to try. */

export interface Greeting {
  url: string;
  dataFolder: string;
  /** Under `--https`: the certificate that curl has to trust. */
  certificateFile?: string;
  kubectlFound: boolean;
}

export function greeting({ url, dataFolder, certificateFile, kubectlFound }: Greeting): string {
  const kubeconfig = `${url}/s/demo/kubeconfig`;
  const trust = certificateFile === undefined ? "" : ` --cacert ${JSON.stringify(certificateFile)}`;
  const skip = certificateFile === undefined ? "" : " -SkipCertificateCheck";
  const lines = [
    `Kubearium runs: ${url}/s/demo/ui/`,
    `Kept in ${dataFolder} (begin anew: npm start -- --fresh). Ctrl-C ends it.`,
    "",
    "kubectl, from bash:",
    `  curl -s${trust} ${kubeconfig} -o kubearium-demo.yaml`,
    `  export KUBECONFIG="$PWD/kubearium-demo.yaml"`,
    "kubectl, from PowerShell:",
    `  Invoke-WebRequest${skip} ${kubeconfig} -OutFile kubearium-demo.yaml`,
    `  $env:KUBECONFIG = "$PWD/kubearium-demo.yaml"`,
    "then try:",
    "  kubectl get nodes,services",
  ];
  if (!kubectlFound) lines.push("", "kubectl is not installed here: https://kubernetes.io/docs/tasks/tools/");
  return `${lines.join("\n")}\n`;
}
