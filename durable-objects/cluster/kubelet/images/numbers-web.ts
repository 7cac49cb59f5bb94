/**
 * kiamol/ch03-numbers-web: a page with a button that asks the numbers API, by name and over the emulated network, and
 * shows what came of it.
 */
import type { Program, RunningContainer } from "../process.ts";
import { escapeHTML, type Handler, httpListener, type Reply } from "./http-server.ts";
import type { Image } from "./image.ts";
import { debian } from "./userlands.ts";

const defaultUrl = "http://numbers-api/sixeyed/kiamol/master/ch03/numbers/rng";

/** The host that serves the same path outside the cluster; asked for by name when the API does not know ours. */
const outsideHost = "raw.githubusercontent.com";

type Outcome = { number: string } | { failed: string };

const web: Program = ({ env, reference }) => ({
  does: "run",
  lines: ["info: Microsoft.Hosting.Lifetime[14]", "      Now listening on: http://[::]:80"],
  listeners: (container) => {
    const url = env.RngApi__Url ?? defaultUrl;
    const look = reference?.tag === "v2" ? "v2" : "v1";
    const handler: Handler = ({ method, pathname }) => {
      if (pathname === "/health" || pathname === "/healthz") return { type: "text/plain", body: "Ok" };
      if (pathname !== "/") return { status: 404 };
      if (method === "GET" || method === "HEAD") return page(look, url, undefined);
      if (method !== "POST") return { status: 405, headers: [["Allow", "GET, POST"]] };
      const outcome = askForNumber(container, url);
      if ("failed" in outcome) container.log(`fail: Numbers.Web.Pages.IndexModel[0] RNG service call to ${url} failed: ${outcome.failed}`);
      return page(look, url, outcome);
    };
    return [httpListener(container, 80, "kestrel", handler)];
  },
});

function askForNumber(container: RunningContainer, url: string): Outcome {
  const own = ask(container, url, undefined);
  return "status" in own && own.status === 404 ? outcomeOf(ask(container, url, outsideHost)) : outcomeOf(own);
}

const outcomeOf = (answer: Answer): Outcome => {
  if ("failed" in answer) return answer;
  return answer.status === 200 ? { number: answer.body.trim() } : { failed: `the service answered ${answer.status}` };
};

type Answer = { status: number; body: string } | { failed: string };

function ask({ network, pod }: RunningContainer, url: string, hostHeader: string | undefined): Answer {
  const target = parseHttpUrl(url);
  if (!target) return { failed: `${url} is not an http URL` };
  const route = network.route({
    from: { kind: "pod", namespace: pod.metadata.namespace, pod: pod.metadata.name },
    to: { host: target.host, port: target.port, protocol: "TCP" },
    http: { method: "GET", path: target.path, headers: [["Host", hostHeader ?? target.authority]] },
  });
  if (route.verdict !== "delivered" || !route.http) return { failed: route.verdict };
  return { status: route.http.response.status, body: new TextDecoder().decode(route.http.response.body) };
}

/** `http://name[:port][/path]`, as far as this app uses it. */
function parseHttpUrl(url: string): { host: string; authority: string; port: number; path: string } | undefined {
  const match = /^http:\/\/(([^/:[\]]+|\[[^\]]+\])(?::(\d+))?)(\/.*)?$/.exec(url);
  if (!match) return undefined;
  const [, authority = "", host = "", port, path] = match;
  return { host: host.replace(/^\[|\]$/g, ""), authority, port: Number(port ?? 80), path: path ?? "/" };
}

/** Version 2 is told apart by its colours and its heading. */
const looks = {
  v1: { heading: "KIAMOL Random Number Generator", accent: "#1b6ec2", background: "#ffffff", text: "#212529" },
  v2: { heading: "KIAMOL Random Number Generator v2", accent: "#198754", background: "#14213d", text: "#f1f5f9" },
};

function page(look: keyof typeof looks, url: string, outcome: Outcome | undefined): Reply {
  const { heading, accent, background, text } = looks[look];
  return {
    type: "text/html; charset=utf-8",
    body: `<!DOCTYPE html>
<html lang="en">
<head>
  <meta charset="utf-8">
  <meta name="viewport" content="width=device-width, initial-scale=1">
  <title>KIAMOL Random Number Generator</title>
  <style>
    body { font-family: system-ui, sans-serif; margin: 4rem auto; max-width: 40rem; text-align: center; background: ${background}; color: ${text}; }
    button { background: ${accent}; color: #fff; border: 0; border-radius: .4rem; padding: .7rem 2.2rem; font-size: 1.2rem; }
    .number { font-size: 4rem; margin: 1rem; }
  </style>
</head>
<body>
  <h1>${heading}</h1>
  <form method="post">
    <button type="submit">Go!</button>
  </form>
${outcome === undefined ? "" : result(outcome, url)}</body>
</html>
`,
  };
}

const result = (outcome: Outcome, url: string): string =>
  "number" in outcome
    ? `  <p>Here it is:</p>\n  <p class="number">${escapeHTML(outcome.number)}</p>\n  <p><em>(Using API at: ${escapeHTML(url)})</em></p>\n`
    : `  <p class="error"><strong>RNG service unavailable!</strong></p>\n  <p><em>(Using API at: ${escapeHTML(url)})</em></p>\n`;

export const numbersWeb: Image = {
  names: ["kiamol/ch03-numbers-web"],
  userland: debian("curl"),
  sizeBytes: 85_511_870,
  entrypoint: ["dotnet", "/app/Numbers.Web.dll"],
  cmd: [],
  env: { ASPNETCORE_URLS: "http://+:80", DOTNET_RUNNING_IN_CONTAINER: "true" },
  workingDir: "/app",
  programs: { dotnet: web },
};
