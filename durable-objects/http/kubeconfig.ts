/**
 * The kubeconfig of a sandbox for the address and the credential with which it was asked for.
 *
 * kubectl sends no credentials over plain http, neither from the kubeconfig nor with `--token`, so over http the token
 * is part of the server's address; the Worker serves that form to loopback only. `@kubernetes/client-node` talks plain
 * http only where the file says that no certificate is expected.
 */
import { stringify } from "yaml";

export interface KubeconfigRequest {
  id: string;
  /** Public address of the sandbox as the client reached it: `http://127.0.0.1:8787/s/demo`. */
  baseURL: string;
  /** `undefined`: an open sandbox, which needs none. */
  credential: string | undefined;
  /** Base64 of a PEM; `undefined`: the certificate is publicly trusted, or there is no TLS. */
  certificateAuthority?: string;
}

export function kubeconfigFor({ id, baseURL, credential, certificateAuthority }: KubeconfigRequest): string {
  const name = `kubearium-${id}`;
  const { server, token, remark } = addressFor(baseURL, credential);
  const trust =
    certificateAuthority !== undefined
      ? { "certificate-authority-data": certificateAuthority }
      : server.startsWith("http:")
        ? { "insecure-skip-tls-verify": true }
        : {};
  const config = {
    apiVersion: "v1",
    kind: "Config",
    clusters: [
      {
        name,
        cluster: { server, ...trust },
      },
    ],
    users: [{ name, user: token === undefined ? openUser(server) : { token } }],
    contexts: [{ name, context: { cluster: name, user: name, namespace: "default" } }],
    "current-context": name,
  };
  return `${remark}${stringify(config, { lineWidth: 0 })}`;
}

function addressFor(baseURL: string, credential: string | undefined): { server: string; token?: string; remark: string } {
  if (credential === undefined || credential === "") return { server: baseURL, remark: "" };
  const url = new URL(baseURL);
  if (url.protocol === "https:") return { server: baseURL, token: credential, remark: "" };
  if (isLoopback(url.hostname)) return { server: `${url.origin}/t/${credential}${url.pathname}`, remark: "" };
  return {
    server: baseURL,
    token: credential,
    remark:
      "# kubectl sends no token over plain http, and tokens in addresses are for loopback only:\n" +
      "# use this from the same machine, or serve TLS (npm start -- --https).\n",
  };
}

/** Whether a host name means this very machine, without asking a resolver. */
export const isLoopback = (hostname: string): boolean =>
  hostname === "localhost" || hostname === "[::1]" || hostname === "::1" || /^127(?:\.\d{1,3}){3}$/.test(hostname);

/** Who needs no credential. Over https kubectl asks at the keyboard where a user has none at all; a name and a password that nobody reads keep it quiet. */
const openUser = (server: string): object => (server.startsWith("https:") ? { username: "demo", password: "demo" } : {});
