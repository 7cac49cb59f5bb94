/**
 * Any image that the catalog does not have: listens on the container ports that the pod declares and answers HTTP with
 * who answered.
 */
import type { Listener } from "../../api/network.ts";
import type { Process, RunningContainer } from "../process.ts";
import { httpListener } from "./http-server.ts";
import type { Image } from "./image.ts";
import { alpineWith } from "./userlands.ts";

const answersWho = (container: RunningContainer, port: number): Listener =>
  httpListener(container, port, "go", ({ method, path }) => ({
    type: "text/plain; charset=utf-8",
    body: [
      `pod: ${container.pod.metadata.namespace}/${container.pod.metadata.name}`,
      `node: ${container.pod.spec.nodeName}`,
      `address: ${container.pod.status.podIP}`,
      `image: ${container.container.image}`,
      `request: ${method} ${path}`,
      "",
    ].join("\n"),
  }));

/** The process behind a program that nobody here knows. */
export const servesDeclaredPorts: Process = {
  does: "run",
  listeners: (container) =>
    (container.container.ports ?? []).map(({ containerPort, protocol }) =>
      protocol === "UDP" || protocol === "SCTP" ? { protocol, port: containerPort } : answersWho(container, containerPort),
    ),
};

export const anyImage: Image = {
  names: [],
  userland: alpineWith(["curl", "dig", "host", "bash"]),
  sizeBytes: 41_300_212,
  entrypoint: [],
  cmd: ["(entrypoint)"],
  programs: { "(entrypoint)": () => servesDeclaredPorts },
};
