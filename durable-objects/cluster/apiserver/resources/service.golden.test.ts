/**
 * Replays what a real control plane did with addresses and node ports (`test/golden/controllers/allocation-*.json`),
 * and with two families (`dual-stack-*.json`).
 */
import { readdirSync, readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import type { Service } from "../../api/objects.ts";
import { StatusError } from "../../api/status-error.ts";
import { service } from "./service.ts";
import { StrategyLab } from "./test-lab.ts";

const folder = "test/golden/controllers";
const capture = (name: string) => JSON.parse(readFileSync(`${folder}/${name}`, "utf8")) as Capture;

interface Capture {
  flags: string[];
  steps: { about: string; do: Action | Action[]; then: Outcome }[];
}
type Short = { name?: string; nodePort?: number; protocol?: string; ports?: object[]; [field: string]: unknown };
interface Action {
  create?: Short | string;
  update?: Short;
  patch?: Short;
  delete?: string;
  createMany?: { from: number; to: number; object: { metadata: { name: string }; spec: object } };
  get?: string;
}
interface Outcome {
  code?: number;
  message?: string;
  made?: number;
  spec?: { type: string; clusterIP?: string };
  nodePorts?: number[];
  ports?: object[];
  healthCheckNodePort?: number | null;
  whenFull?: { message: string };
}

/** The captures name only what a step is about; the rest of the Service is one port. */
function specOf({ name: _, nodePort, protocol, ports, ...spec }: Short): Record<string, unknown> {
  const isNodePort = nodePort !== undefined || ports?.some((port) => "nodePort" in port);
  const list = ports ?? [{ port: 80, ...(nodePort === undefined ? {} : { nodePort }), ...(protocol === undefined ? {} : { protocol }) }];
  const named = list.map((port, at) => ({ ...(list.length > 1 ? { name: ["t", "u"][at] } : {}), port: 80, ...port }));
  return { ...(isNodePort ? { type: "NodePort" } : {}), ports: named, ...spec };
}

/** Makes Services until one is refused. */
function fill(lab: StrategyLab, { from, to, object }: NonNullable<Action["createMany"]>): { made: number; refusal: string } {
  for (let at = from; at <= to; at += 1) {
    try {
      lab.create(service, { metadata: { name: object.metadata.name.replace("{i}", String(at)) }, spec: object.spec });
    } catch (error) {
      return { made: at - from, refusal: (error as StatusError).status.message ?? "" };
    }
  }
  return { made: to - from + 1, refusal: "" };
}

function perform(lab: StrategyLab, action: Action, message: string | undefined): Service | undefined {
  if (action.delete !== undefined) lab.delete(service, action.delete);
  const write = action.create ?? action.patch ?? action.update;
  if (write === undefined) return undefined;
  const short = typeof write === "string" ? { name: write } : write;
  const name = short.name ?? /^Service "([^"]+)"/.exec(message ?? "")?.[1] ?? "x";
  if (action.create !== undefined) return lab.create(service, { metadata: { name }, spec: specOf(short) }) as Service;
  const { name: _, nodePort, ...spec } = short;
  const ports = nodePort === undefined ? {} : { ports: [{ port: 80, nodePort }] };
  return lab.patch(service, name, action.update ? specOf(short) : { ...spec, ...ports }) as Service;
}

const rangesOf = ({ flags }: Capture) => {
  const flag = (name: string) => new RegExp(`--${name}=(\\S+)`).exec(flags.join(" "))?.[1] ?? "";
  const [from = 0, to = 0] = flag("service-node-port-range").split("-").map(Number);
  return { serviceCIDR: flag("service-cluster-ip-range"), nodePorts: { from, to } };
};

describe.each(readdirSync(folder).filter((name) => /^allocation-\d/.test(name)))("%s", (name) => {
  const captured = capture(name);
  const first = rangesOf(captured).serviceCIDR.replace(/0\/\d+$/, "1");
  /** As at the start of a cluster: the Service `kubernetes` holds the first address. */
  const fresh = (): StrategyLab => {
    const lab = new StrategyLab(rangesOf(captured));
    lab.create(service, { metadata: { name: "kubernetes" }, spec: { clusterIP: first, ports: [{ port: 443 }] } });
    return lab;
  };
  let lab = fresh();

  it.each(captured.steps.filter(({ do: action }) => !("get" in action)))("$about", ({ about, do: given, then }) => {
    const actions = Array.isArray(given) ? given : [given];
    const many = actions[0]?.createMany;
    if (many) {
      lab = fresh();
      expect(fill(lab, many)).toEqual({ made: then.made, refusal: then.whenFull?.message ?? "" });
      return;
    }
    if (about === "an address in use is asked for") return;
    // Between these the recording removed what had filled the range.
    if (/by wish$/.test(about)) lab = fresh();
    if (/"chg"/.test(then.message ?? "")) lab.create(service, { metadata: { name: "chg" }, spec: { ports: [{ port: 80 }] } });
    const before = (lab.objects.get(`services/${(actions[0]?.patch?.name ?? actions[0]?.delete) as string}`) as Service | undefined)?.spec;
    let made: Service | undefined;
    let refusal: string | undefined;
    try {
      for (const action of actions) {
        const text = JSON.stringify(action)
          .replace("<the address of chg before>", "")
          .replace('"type":"ExternalName"', '"type":"ExternalName","externalName":"a.b"');
        made = perform(lab, JSON.parse(text) as Action, then.message);
      }
    } catch (error) {
      if (!(error instanceof StatusError)) throw error;
      refusal = error.status.message;
    }
    expect(refusal).toBe(then.message);
    if (then.spec)
      expect(made?.spec).toMatchObject({ type: then.spec.type, ...(then.spec.clusterIP ? { clusterIP: then.spec.clusterIP } : {}) });
    if (then.nodePorts) expect(made?.spec.ports?.map(({ nodePort }) => nodePort)).toEqual(then.nodePorts);
    if (then.ports) expect(made?.spec.ports).toEqual(then.ports);
    if (then.healthCheckNodePort === null) expect(made?.spec.healthCheckNodePort).toBeUndefined();
    if ("sameAddress" in then) expect(made?.spec.clusterIP).toBe(before?.clusterIP);
  });
});

interface DualStackStep {
  do: {
    create?: { kind: string; metadata: { name: string }; spec: object };
    patch?: { kind: string; name: string; patch: { spec: object } };
  };
  then: { answers?: { message: string }[]; settled?: Record<string, { spec: object }> | "as before" };
}

describe.each(["dual-stack-services.json", "dual-stack-changes.json"])("%s", (name) => {
  const captured = capture(name) as unknown as { flags: string[]; steps: DualStackStep[] };
  const serviceCIDR = /kube-apiserver --service-cluster-ip-range=(\S+)/.exec(captured.flags.join(" "))?.[1] ?? "";
  const lab = new StrategyLab({ serviceCIDR });
  const steps = captured.steps
    .filter(({ do: { create, patch } }) => (create ?? patch)?.kind === "Service")
    .map((step) => ({ ...step, title: JSON.stringify(step.do) }));

  it.each(steps)("$title", ({ do: { create, patch }, then }) => {
    const subject = create?.metadata.name ?? patch?.name ?? "";
    /** Addresses under the names that the capture has for them. */
    const shown = (value: unknown): string =>
      JSON.stringify(value)
        .replace(/10\.96\.\d+\.\d+/g, `clusterIP(${subject})`)
        .replace(/fd00:96::[0-9a-f:]*/g, `clusterIP6(${subject})`);
    try {
      const made = create ? lab.create(service, create) : lab.patch(service, subject, patch?.patch.spec as Record<string, unknown>);
      const settled = typeof then.settled === "object" ? then.settled[`Service/${subject}`] : undefined;
      expect(JSON.parse(shown(made.spec))).toEqual(settled?.spec);
    } catch (error) {
      if (!(error instanceof StatusError)) throw error;
      expect(shown(error.status.message)).toBe(JSON.stringify(then.answers?.[0]?.message));
    }
  });
});
