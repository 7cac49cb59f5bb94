import { beforeEach, describe, expect, it } from "vitest";
import type { Service } from "../../api/objects.ts";
import { service } from "./service.ts";
import { refusal, StrategyLab } from "./test-lab.ts";

let lab: StrategyLab;
beforeEach(() => {
  lab = new StrategyLab();
});

const named = (name: string, spec: object) => ({ metadata: { name }, spec });
const make = (name: string, spec: object): Service["spec"] => (lab.create(service, named(name, spec)) as Service).spec;
const change = (name: string, spec: Record<string, unknown>): Service["spec"] => (lab.patch(service, name, spec) as Service).spec;
const port = (nodePort?: number, protocol = "TCP") => ({ port: 80, protocol, ...(nodePort === undefined ? {} : { nodePort }) });

describe("Service defaults", () => {
  it("fills in everything a plain Service has", () => {
    const { clusterIP, ...spec } = make("web", { ports: [{ port: 80 }] });
    expect(spec).toEqual({
      type: "ClusterIP",
      clusterIPs: [clusterIP],
      ipFamilies: ["IPv4"],
      ipFamilyPolicy: "SingleStack",
      internalTrafficPolicy: "Cluster",
      sessionAffinity: "None",
      ports: [{ port: 80, protocol: "TCP", targetPort: 80 }],
    });
  });

  it.each([
    {
      name: "give an ExternalName no address",
      spec: { type: "ExternalName", externalName: "example.org" },
      want: { type: "ExternalName", externalName: "example.org", sessionAffinity: "None" },
    },
    {
      name: "open a headless Service without selector to both families",
      spec: { clusterIP: "None" },
      want: {
        type: "ClusterIP",
        clusterIP: "None",
        clusterIPs: ["None"],
        ipFamilies: ["IPv4", "IPv6"],
        ipFamilyPolicy: "RequireDualStack",
        internalTrafficPolicy: "Cluster",
        sessionAffinity: "None",
      },
    },
    {
      name: "let client affinity last three hours",
      spec: { clusterIP: "10.96.0.9", ports: [port()], sessionAffinity: "ClientIP" },
      want: {
        type: "ClusterIP",
        clusterIP: "10.96.0.9",
        clusterIPs: ["10.96.0.9"],
        ipFamilies: ["IPv4"],
        ipFamilyPolicy: "SingleStack",
        internalTrafficPolicy: "Cluster",
        sessionAffinity: "ClientIP",
        sessionAffinityConfig: { clientIP: { timeoutSeconds: 10800 } },
        ports: [{ port: 80, protocol: "TCP", targetPort: 80 }],
      },
    },
  ])("$name", ({ spec, want }) => {
    expect(make("web", spec)).toEqual(want);
  });
});

describe("cluster IPs of Services", () => {
  it("are refused when they are taken or out of the range, and free again at once", () => {
    make("a", { clusterIP: "10.96.0.5", ports: [port()] });
    const again = () => make("b", { clusterIP: "10.96.0.5", ports: [port()] });
    expect(refusal(again)).toBe(
      'Service "b" is invalid: spec.clusterIPs: Invalid value: ["10.96.0.5"]: failed to allocate IP 10.96.0.5: provided IP is already allocated',
    );
    lab.delete(service, "a");
    expect(again().clusterIP).toBe("10.96.0.5");
    expect(refusal(() => make("c", { clusterIP: "10.96.0.0", ports: [port()] }))).toBe(
      'Service "c" is invalid: spec.clusterIPs: Invalid value: ["10.96.0.0"]: failed to allocate IP 10.96.0.0: the provided network does not match the current range',
    );
  });

  it("run out with a 500", () => {
    lab = new StrategyLab({ serviceCIDR: "10.70.0.0/28" });
    for (let at = 0; at < 14; at += 1) make(`s${at}`, { ports: [port()] });
    expect(refusal(() => make("s14", { ports: [port()] }))).toBe(
      'Internal error occurred: failed to allocate a serviceIP for Service "s14": range is full',
    );
  });

  it("cannot change, but are given up for an external name", () => {
    const { clusterIP } = make("web", { ports: [port()] });
    expect(refusal(() => change("web", { clusterIP: "10.96.0.7" }))).toBe(
      'Service "web" is invalid: spec.clusterIPs[0]: Invalid value: ["10.96.0.7"]: may not change once set',
    );
    expect(change("web", { type: "ExternalName", externalName: "example.org" })).toEqual({
      type: "ExternalName",
      externalName: "example.org",
      internalTrafficPolicy: "Cluster",
      sessionAffinity: "None",
      ports: [{ port: 80, protocol: "TCP", targetPort: 80 }],
    });
    expect(make("taker", { clusterIP, ports: [port()] }).clusterIP).toBe(clusterIP);
  });

  it("follow the family policy in a cluster with two families", () => {
    lab = new StrategyLab({ serviceCIDR: "10.96.0.0/16,fd00:96::/112" });
    const first = make("web", { ports: [port()] });
    const both = change("web", { ipFamilyPolicy: "PreferDualStack" });
    expect(both).toEqual({
      ...first,
      ipFamilyPolicy: "PreferDualStack",
      ipFamilies: ["IPv4", "IPv6"],
      clusterIPs: [first.clusterIP, expect.stringMatching(/^fd00:96::/)],
    });
    expect(refusal(() => change("web", { ipFamilies: ["IPv6", "IPv4"] }))).toBe(
      `Service "web" is invalid: [spec.clusterIPs[0]: Invalid value: "${both.clusterIPs?.[0]}": expected an IPv6 value as indicated by \`ipFamilies[0]\`, spec.clusterIPs[1]: Invalid value: "${both.clusterIPs?.[1]}": expected an IPv4 value as indicated by \`ipFamilies[1]\`]`,
    );
    expect(change("web", { ipFamilyPolicy: "SingleStack" })).toEqual(first);
    expect(make("six", { ipFamilies: ["IPv6"], ports: [port()] }).clusterIP).toMatch(/^fd00:96::/);
  });
});

describe("node ports of Services", () => {
  it.each([
    {
      name: "one that another Service has",
      ports: [port(30099)],
      want: "spec.ports[0].nodePort: Invalid value: 30099: provided port is already allocated",
    },
    {
      name: "one below the range",
      ports: [port(80)],
      want: "spec.ports[0].nodePort: Invalid value: 80: provided port is not in the valid range. The range of valid ports is 30000-32767",
    },
    {
      name: "the same for two ports of one protocol",
      ports: [
        { name: "a", port: 80, nodePort: 30100 },
        { name: "b", port: 81, nodePort: 30100 },
      ],
      want: "spec.ports[1].nodePort: Invalid value: 30100: provided port is already allocated",
    },
  ])("are refused: $name", ({ ports, want }) => {
    make("holder", { type: "NodePort", ports: [port(30099)] });
    expect(refusal(() => make("web", { type: "NodePort", ports }))).toBe(`Service "web" is invalid: ${want}`);
  });

  it("are shared by two protocols on one port of a Service", () => {
    const { ports } = make("dns", {
      type: "NodePort",
      ports: [
        { name: "t", ...port() },
        { name: "u", ...port(undefined, "UDP") },
      ],
    });
    expect(ports?.[0]?.nodePort).toBe(ports?.[1]?.nodePort);
  });

  it("stay when an update leaves them out, and go with the type", () => {
    const [kept] = make("web", { type: "NodePort", ports: [port()] }).ports ?? [];
    expect(change("web", { ports: [{ port: 80, targetPort: 8080 }] }).ports).toEqual([{ ...kept, targetPort: 8080 }]);
    expect(change("web", { type: "ClusterIP" }).ports).toEqual([{ port: 80, targetPort: 8080, protocol: "TCP" }]);
    expect(make("taker", { type: "NodePort", ports: [port(kept?.nodePort)] }).ports?.[0]?.nodePort).toBe(kept?.nodePort);
  });

  it("include a health check port while the traffic policy is Local", () => {
    const spec = make("lb", { type: "LoadBalancer", externalTrafficPolicy: "Local", ports: [port()] });
    expect(spec.healthCheckNodePort).toBeGreaterThanOrEqual(30000);
    expect(spec.healthCheckNodePort).not.toBe(spec.ports?.[0]?.nodePort);
    expect(change("lb", { externalTrafficPolicy: "Cluster" }).healthCheckNodePort).toBeUndefined();
  });

  it("count up from beyond the range in a dry run", () => {
    lab.context.dryRun = true;
    expect(make("lb", { type: "LoadBalancer", externalTrafficPolicy: "Local", ports: [port()] })).toMatchObject({
      ports: [{ nodePort: 32769 }],
      healthCheckNodePort: 32770,
    });
  });
});

describe("Service columns", () => {
  const cells = (object: object) => {
    const made = lab.create(service, object);
    return service.columns.map((column) => column.cell(made, { now: lab.context.now() }));
  };

  it.each([
    {
      name: "an address and no selector",
      spec: {
        clusterIP: "10.96.1.1",
        ports: [port(), { name: "d", port: 53, protocol: "UDP" }].map((p, at) => ({ name: `p${at}`, ...p })),
      },
      want: ["ClusterIP", "10.96.1.1", "<none>", "80/TCP,53/UDP", "<unknown>", "<none>"],
    },
    {
      name: "node ports",
      spec: { type: "NodePort", clusterIP: "10.96.1.2", ports: [port(30080)], selector: { b: "2", a: "1" } },
      want: ["NodePort", "10.96.1.2", "<none>", "80:30080/TCP", "<unknown>", "a=1,b=2"],
    },
    {
      name: "a load balancer that is not there yet",
      spec: { type: "LoadBalancer", clusterIP: "10.96.1.3", ports: [port(30081)] },
      want: ["LoadBalancer", "10.96.1.3", "<pending>", "80:30081/TCP", "<unknown>", "<none>"],
    },
    {
      name: "a name outside",
      spec: { type: "ExternalName", externalName: "example.org" },
      want: ["ExternalName", "<none>", "example.org", "<none>", "<unknown>", "<none>"],
    },
  ])("show $name", ({ spec, want }) => {
    expect(cells(named("web", spec))).toEqual(["web", ...want]);
  });
});

describe("Service warnings", () => {
  it("name what is ignored or deprecated", () => {
    const warn = (spec: object) =>
      service.warnings?.(lab.create(service, named(`w${lab.objects.size}`, { ports: [port()], ...spec })), undefined);
    expect([
      warn({ externalIPs: ["192.0.2.1"], trafficDistribution: "PreferClose" }),
      warn({ clusterIP: "None", externalIPs: ["192.0.2.1"], sessionAffinity: "ClientIP" }),
      warn({ externalName: "x" }),
      warn({ externalIPs: ["2001:DB8::1"] }),
    ]).toEqual([
      [
        "spec.externalIPs is deprecated and may no longer be implemented in some clusters",
        'spec.trafficDistribution: "PreferClose" is deprecated; use "PreferSameZone"',
      ],
      ["spec.externalIPs is ignored for headless services", "spec.SessionAffinity is ignored for headless services"],
      ['spec.externalName is ignored when spec.type is not "ExternalName"'],
      [
        'spec.externalIPs[0]: IPv6 address "2001:DB8::1" should be in RFC 5952 canonical format ("2001:db8::1")',
        "spec.externalIPs is deprecated and may no longer be implemented in some clusters",
      ],
    ]);
  });
});
