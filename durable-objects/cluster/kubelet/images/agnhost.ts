/** registry.k8s.io/e2e-test-images/agnhost: `netexec`, `serve-hostname`, `pause` and a few more of its commands. */
import type { Listener } from "../../api/network.ts";
import { flagValue, type Process, type Program, type RunningContainer } from "../process.ts";
import { goNotFound, type Handler, httpListener } from "./http-server.ts";
import type { Image } from "./image.ts";
import { alpineWith } from "./userlands.ts";

const plain = "text/plain; charset=utf-8";

const hostname = ({ pod }: RunningContainer): string =>
  pod.spec.hostNetwork ? (pod.spec.nodeName ?? "") : (pod.spec.hostname ?? pod.metadata.name);

const netexecHandler =
  (container: RunningContainer): Handler =>
  ({ pathname, query, header }, client) => {
    switch (pathname) {
      case "/hostname":
      case "/hostName":
        return { type: plain, body: hostname(container) };
      case "/clientip":
        return { type: plain, body: `${client.ip}:${client.port}` };
      case "/echo":
        return { status: Number(query.get("code") ?? 200), type: plain, body: query.get("msg") ?? "" };
      case "/header":
        return { type: plain, body: header(query.get("key") ?? "") ?? "" };
      case "/healthz":
      case "/":
        return { type: plain, body: pathname === "/" ? `NOW: ${new Date(container.now()).toISOString()}` : "" };
      case "/redirect":
        return { status: Number(query.get("code") ?? 302), headers: [["Location", query.get("location") ?? "/"]] };
      default:
        return goNotFound;
    }
  };

const netexec = (argv: readonly string[]): Process => {
  const httpPort = Number(flagValue(argv, "http-port") ?? 8080);
  const udpPort = Number(flagValue(argv, "udp-port") ?? 8081);
  const sctpPort = Number(flagValue(argv, "sctp-port") ?? -1);
  const others: Listener[] = [
    ...(udpPort > 0 ? [{ protocol: "UDP" as const, port: udpPort }] : []),
    ...(sctpPort > 0 ? [{ protocol: "SCTP" as const, port: sctpPort }] : []),
  ];
  return {
    does: "run",
    lines: [`Started HTTP server on port ${httpPort}`, ...(udpPort > 0 ? [`Started UDP server on port  ${udpPort}`] : [])],
    listeners: (container) => [httpListener(container, httpPort, "go", netexecHandler(container)), ...others],
  };
};

const serveHostname = (argv: readonly string[]): Process => {
  const port = Number(flagValue(argv, "port") ?? 9376);
  return {
    does: "run",
    lines: ["Serving on port", String(port)],
    listeners: (container) => [httpListener(container, port, "go", () => ({ type: plain, body: hostname(container) }))],
  };
};

const agnhostProgram: Program = ({ argv }) => {
  const [, command = "pause"] = argv;
  switch (command) {
    case "netexec":
      return netexec(argv);
    case "serve-hostname":
      return serveHostname(argv);
    case "pause":
      return { does: "run", lines: ["Paused"] };
    default:
      return { does: "exit", afterMs: 0, code: 1, lines: [`Error: unknown command "${command}" for "app"`] };
  }
};

export const agnhost: Image = {
  names: ["registry.k8s.io/e2e-test-images/agnhost", "k8s.gcr.io/e2e-test-images/agnhost"],
  userland: alpineWith(["curl", "dig", "host", "bash"], { nslookup: "bind" }),
  sizeBytes: 53_044_230,
  entrypoint: ["/agnhost"],
  cmd: ["pause"],
  programs: { agnhost: agnhostProgram },
};
