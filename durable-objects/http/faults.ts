/** Faults: what is made to go wrong in a sandbox, how long it stands, and what there is to break. */
import { type Context, Hono } from "hono";
import { z } from "zod";
import type { Reader } from "../cluster/api/controller.ts";
import type { KubeObject, Pod } from "../cluster/api/objects.ts";
import { timeOf } from "../cluster/api/time.ts";
import { type Fault, faultLimits, type PodTarget, workloadWords } from "../cluster/faults/fault-kinds.ts";
import type { StandingFault } from "../cluster/faults/faults.ts";
import { answerProblem, badInput, jsonBody, ProblemError } from "./bad-input.ts";
import type { Operation } from "./operation.ts";
import { problem } from "./problem.ts";
import type { SandboxEnv } from "./sandbox.ts";

const forms =
  'POST {"fault": "node-down", "node": "node-1"}, or split, latency (ms), loss (percent) with "between": ["node-1", "node-2"]; pod-crash, oom, slow-start (seconds), failing-probe (probe) with "of": "default/web-1" or "default/deploy/web"; image-missing with "image"; dns-down.';

const between = z.tuple([z.string(), z.string()]).describe("Two nodes; the wire between them, both ways.");
const of = z.string().min(1).max(600).describe("`namespace/pod`, or `namespace/deploy/name` for every pod of it, those to come included.");
const container = z.string().optional().describe("Default: every container.");

const faultBody = z.discriminatedUnion("fault", [
  z.strictObject({ fault: z.literal("node-down"), node: z.string() }),
  z.strictObject({ fault: z.literal("split"), between }),
  z.strictObject({ fault: z.literal("latency"), between, ms: z.number().positive().max(faultLimits.latencyMs).describe("One way.") }),
  z.strictObject({ fault: z.literal("loss"), between, percent: z.number().positive().max(100) }),
  z.strictObject({ fault: z.enum(["pod-crash", "oom"]), of, container }),
  z.strictObject({ fault: z.literal("slow-start"), of, container, seconds: z.number().positive().max(faultLimits.slowStartSeconds) }),
  z.strictObject({ fault: z.literal("failing-probe"), of, container, probe: z.enum(["startup", "readiness", "liveness"]) }),
  z.strictObject({ fault: z.literal("dns-down") }),
  z.strictObject({ fault: z.literal("image-missing"), image: z.string().min(1).max(600).describe("As pods name it.") }),
]);

const shownFault = z.record(z.string(), z.unknown()).describe("As it was sent, with `id` and `since`.");

export const operations: Operation[] = [
  {
    method: "get",
    path: "/s/{id}/faults",
    summary: "The faults that stand, oldest first; those of annotations stand with their objects",
    tag: "sandbox",
    responses: { 200: { description: "The faults", schema: z.object({ faults: z.array(shownFault) }) } },
  },
  {
    method: "post",
    path: "/s/{id}/faults",
    summary: "Makes something go wrong, until the fault is removed or what it concerns is gone",
    tag: "sandbox",
    body: faultBody,
    responses: { 201: { description: "The fault", schema: shownFault } },
  },
  {
    method: "delete",
    path: "/s/{id}/faults",
    summary: "Removes every fault that /faults was given",
    tag: "sandbox",
    responses: { 200: { description: "How many there were", schema: z.object({ removed: z.number() }) } },
  },
  {
    method: "delete",
    path: "/s/{id}/faults/{fault}",
    summary: "Removes one fault",
    tag: "sandbox",
    responses: { 200: { description: "How many there were", schema: z.object({ removed: z.number() }) } },
  },
];

export const faults = () =>
  new Hono<SandboxEnv>()
    .get("/", (c) => c.json({ faults: c.get("sandbox").cluster.faults.list().map(shown) }))
    .post("/", async (c) => {
      try {
        const body = faultBody.safeParse(await jsonBody(c, forms));
        if (!body.success) return badInput(c, "fault", body.error, forms);
        return add(c, body.data);
      } catch (error) {
        return answerProblem(error);
      }
    })
    .delete("/", (c) => c.json({ removed: c.get("sandbox").cluster.changeFaults((standing) => standing.remove(() => true)) }))
    .delete("/:fault", (c) => {
      const { cluster } = c.get("sandbox");
      const id = c.req.param("fault");
      const known = cluster.faults.list().map((fault) => fault.id);
      if (!known.includes(id)) return nothingThere(c, `There is no fault ${id}.`, known);
      return c.json({ removed: cluster.changeFaults((standing) => standing.remove((fault) => fault.id === id)) });
    });

function add(c: Context<SandboxEnv>, body: z.output<typeof faultBody>): Response {
  const { cluster } = c.get("sandbox");
  cluster.tick();
  const fault = faultOf(body, cluster.reader);
  if (cluster.faults.list().length >= faultLimits.standing) {
    throw new ProblemError({
      type: "too-many",
      title: "Too many faults",
      status: 409,
      detail: `At most ${faultLimits.standing} faults stand at once.`,
      fix: "Remove some: DELETE /faults/{fault}, or DELETE /faults for all.",
    });
  }
  return c.json(shown(cluster.changeFaults((standing) => standing.add(fault))), 201);
}

/** @throws ProblemError where it concerns something that does not exist */
function faultOf(body: z.output<typeof faultBody>, reader: Reader): Fault {
  switch (body.fault) {
    case "node-down":
      checkNode(body.node, "node", reader);
      return body;
    case "split":
    case "latency":
    case "loss":
      for (const node of body.between) checkNode(node, "between", reader);
      if (body.between[0] === body.between[1]) throw missing(`between: ${body.between[0]} has no wire to itself`, nodeNames(reader));
      return body;
    case "pod-crash":
    case "oom":
      return { fault: body.fault, of: targetOf(body.of, body.container, reader) };
    case "slow-start":
      return { fault: body.fault, seconds: body.seconds, of: targetOf(body.of, body.container, reader) };
    case "failing-probe":
      return { fault: body.fault, probe: body.probe, of: probedTarget(body.of, body.container, body.probe, reader) };
    case "dns-down":
    case "image-missing":
      return body;
    default:
      return body satisfies never;
  }
}

function checkNode(name: string, field: string, reader: Reader): void {
  if (reader.get("nodes", undefined, name) === undefined) throw missing(`${field}: there is no node ${name}`, nodeNames(reader));
}

const nodeNames = (reader: Reader): string[] => reader.list("nodes").map(({ metadata }) => metadata.name);

/** `namespace/pod` or `namespace/deploy/name`. */
function targetOf(text: string, container: string | undefined, reader: Reader): PodTarget {
  const parts = text.split("/");
  const [namespace = "", word = "pod", name = ""] = parts.length === 2 ? [parts[0], "pod", parts[1]] : parts;
  const resource = workloadWords[word];
  if (parts.length < 2 || parts.length > 3 || resource === undefined) {
    throw missing(`of: ${JSON.stringify(text)} names neither a pod nor a workload`, ["namespace/pod", "namespace/deploy/name"]);
  }
  const object = reader.get<KubeObject>(resource, namespace, name);
  if (object === undefined) {
    const there = reader
      .list<KubeObject>(resource, namespace)
      .map(({ metadata }) => `${namespace}/${word === "pod" ? "" : `${word}/`}${metadata.name}`);
    throw missing(`of: there is no ${word} ${name} in namespace ${namespace}`, there);
  }
  const containers = containersOf(object);
  if (container !== undefined && !containers.some((each) => each.name === container)) {
    const names = containers.map((each) => each.name);
    throw missing(`container: ${text} has no container ${container}`, names);
  }
  return { namespace, resource, name, ...(container === undefined ? {} : { container }) };
}

const containersOf = ({ spec }: KubeObject): Pod["spec"]["containers"] => {
  const { containers = [], initContainers = [] } = (spec.template?.spec ?? spec) as Pod["spec"];
  return [...containers, ...initContainers];
};

/** A probe that nobody tries cannot fail. */
function probedTarget(text: string, container: string | undefined, probe: "startup" | "readiness" | "liveness", reader: Reader): PodTarget {
  const target = targetOf(text, container, reader);
  const object = reader.get<KubeObject>(target.resource, target.namespace, target.name) as KubeObject;
  const asked = containersOf(object).filter(({ name }) => container === undefined || name === container);
  if (asked.some((each) => each[`${probe}Probe`] !== undefined)) return target;
  const probes = asked.flatMap((each) =>
    (["startup", "readiness", "liveness"] as const).filter((name) => each[`${name}Probe`] !== undefined),
  );
  throw missing(`probe: no container of ${text} has a ${probe} probe`, [...new Set(probes)]);
}

const mostNames = 20;

const namesText = (names: readonly string[]): string =>
  names.length === 0 ? "There is none." : `There is: ${names.slice(0, mostNames).join(", ")}${names.length > mostNames ? ", …" : ""}.`;

const missing = (detail: string, names: readonly string[]): ProblemError =>
  new ProblemError({ type: "no-such-target", title: "Nothing to break", status: 404, detail: `${detail}.`, fix: namesText(names) });

const nothingThere = (c: Context<SandboxEnv>, detail: string, names: readonly string[]): Response =>
  problem(c, { type: "no-such-fault", title: "No such fault", status: 404, detail, fix: namesText(names) });

function shown(fault: StandingFault): object {
  const { id, since, ...rest } = fault;
  return { id, since: timeOf(since), ...("of" in rest ? { ...rest, ...shownTarget(rest.of) } : rest) };
}

function shownTarget({ namespace, resource, name, container }: PodTarget): object {
  const word = Object.entries(workloadWords).find(([, of]) => of === resource)?.[0];
  return {
    of: resource === "pods" ? `${namespace}/${name}` : `${namespace}/${word}/${name}`,
    ...(container === undefined ? {} : { container }),
  };
}
