/**
 * Makes up requests to the Kubernetes API: every verb, kind, representation and option, and what no client would send.
 *
 * A request follows from its random numbers and the names known so far alone, so that a seed replays a whole run.
 */
import type { SeededRandom } from "../durable-objects/cluster/api/seeded-random.ts";
import type { ResourceStrategy } from "../durable-objects/cluster/apiserver/resource-strategy.ts";
import { absurd, generate, mutated, onceIn, oneOf } from "./fuzz-values.ts";
import { type Schema, schemaOf } from "./schema-check.ts";

export interface FuzzRequest {
  method: string;
  path: string;
  query: string;
  contentType: string | undefined;
  accept: string | undefined;
  body: Uint8Array;
}

const podTemplate = {
  metadata: { labels: { app: "a" } },
  spec: { containers: [{ name: "c", image: "nginx:1.27", ports: [{ containerPort: 80 }] }] },
};

/** A valid object of every kind; what it lacks to be interesting is added by chance. */
const examples: Record<string, object> = {
  Namespace: {},
  Node: { spec: { podCIDR: "10.244.9.0/24" } },
  Pod: podTemplate,
  Service: { spec: { selector: { app: "a" }, ports: [{ name: "http", port: 80, targetPort: 80 }] } },
  Endpoints: { subsets: [{ addresses: [{ ip: "10.1.2.3" }], ports: [{ port: 80 }] }] },
  ConfigMap: { data: { key: "value" } },
  Secret: { stringData: { key: "value" } },
  ServiceAccount: { secrets: [{ name: "a" }] },
  Event: { involvedObject: { kind: "Pod", name: "a", namespace: "default" }, reason: "Fuzzed", message: "hello", type: "Normal" },
  Deployment: { spec: { replicas: 1, selector: { matchLabels: { app: "a" } }, template: podTemplate } },
  ReplicaSet: { spec: { replicas: 1, selector: { matchLabels: { app: "a" } }, template: podTemplate } },
  EndpointSlice: {
    metadata: { labels: { "kubernetes.io/service-name": "a" } },
    addressType: "IPv4",
    endpoints: [{ addresses: ["10.1.2.3"], conditions: { ready: true } }],
    ports: [{ name: "http", port: 80, protocol: "TCP" }],
  },
  NetworkPolicy: {
    spec: { podSelector: { matchLabels: { app: "a" } }, policyTypes: ["Ingress"], ingress: [{ from: [{ podSelector: {} }] }] },
  },
  Lease: { spec: { holderIdentity: "a", leaseDurationSeconds: 15, renewTime: "2026-11-24T12:00:00.000000Z" } },
};

/** What a cluster holds before the first request: three objects of every kind in `default` and `space`. */
export function inhabitants(strategies: readonly ResourceStrategy[]): { path: string; body: object }[] {
  return strategies.flatMap((of) =>
    ["a", "b", "c"].flatMap((name) =>
      (of.namespaced ? ["default", "space"] : [""]).map((namespace) => ({
        path: `${of.group === "" ? "/api" : `/apis/${of.group}`}/${of.version}/${namespace === "" ? "" : `namespaces/${namespace}/`}${of.plural}`,
        body: { ...exampleOf(of), metadata: { ...(exampleOf(of) as { metadata?: object }).metadata, name } },
      })),
    ),
  );
}

const eventsExample = {
  eventTime: "2026-11-24T12:00:00.000000Z",
  regarding: { kind: "Pod", name: "a", namespace: "default" },
  action: "Fuzzing",
  reason: "Fuzzed",
  type: "Normal",
  reportingController: "example.com/fuzz",
  reportingInstance: "fuzz-1",
};

const strangeNames = [
  "a%2Fb",
  "a%252Fb",
  "%",
  "%zz",
  "%00",
  "%ff%fe",
  "%C3%28",
  "..",
  ".",
  "A",
  "a_b",
  "-",
  "__proto__",
  "constructor",
  "%F0%9F%9A%80",
  "x".repeat(64),
  "x".repeat(254),
  "a%20b",
  "a;b",
  "a+b",
];

/** `a`, `b` and `c` are there from the start. */
const names = ["a", "a", "a", "b", "b", "c", "web", "web-2", "d"];
const namespaces = [...Array(8).fill("default"), "kube-system", "space", "space", "nowhere"];
const subresources = [
  "status",
  "scale",
  "binding",
  "eviction",
  "log",
  "exec",
  "attach",
  "portforward",
  "proxy",
  "finalize",
  "token",
  "bogus",
  "%2F",
];
const contentTypes = [
  "",
  "application/yaml",
  "application/vnd.kubernetes.protobuf",
  "text/plain",
  "application/json; charset=utf-8",
  "application/JSON",
  "application/x-www-form-urlencoded",
  "multipart/form-data; boundary=x",
  ";;;",
  "application/json-patch+json",
  "application/merge-patch+json",
];
const patchTypes = [
  "application/merge-patch+json",
  "application/strategic-merge-patch+json",
  "application/json-patch+json",
  "application/apply-patch+yaml",
] as const;
const accepts = [
  "application/json",
  "*/*",
  "application/yaml",
  "application/json;as=Table;v=v1;g=meta.k8s.io,application/json",
  "application/json;as=PartialObjectMetadata;v=v1;g=meta.k8s.io",
  "application/json;as=PartialObjectMetadataList;v=v1;g=meta.k8s.io",
  "application/json;as=Table;v=v9;g=meta.k8s.io",
  "application/vnd.kubernetes.protobuf, application/json",
  "text/html",
  ";as=,,;",
];

const options: Record<string, readonly string[]> = {
  dryRun: ["All", "All", "All", "", "None", "all"],
  fieldManager: ["me", "", "%00", "x".repeat(129), "a/b"],
  fieldValidation: ["Strict", "Warn", "Ignore", "strict", ""],
  force: ["true", "false", "", "1", "maybe"],
  pretty: ["true", "", "0"],
  limit: ["1", "2", "0", "-1", "abc", "9223372036854775808", "1.5", ""],
  continue: ["", "abc", "%00", "eyJ2IjoibWV0YS5rOHMuaW8vdjEiLCJydiI6LTEsInN0YXJ0IjoiYSJ9", "e30", "bnVsbA", "eyJ2"],
  resourceVersion: ["0", "1", "5", "-1", "abc", "999999999", "1e3", "9223372036854775808", ""],
  resourceVersionMatch: ["Exact", "NotOlderThan", "exact", ""],
  labelSelector: [
    "app=a",
    "app",
    "!app",
    "app in (a,b)",
    "app notin (",
    "a/b/c=d",
    "=",
    ",",
    "app==a,b!=c",
    "app>1",
    "app in ()",
    "x".repeat(300),
    "__proto__",
  ],
  fieldSelector: [
    "metadata.name=a",
    "metadata.namespace!=default",
    "status.phase=Running",
    "bogus=1",
    "=",
    "metadata.name==a,metadata.name!=b",
    "a=\\",
  ],
  watch: ["true", "1", "", "0", "maybe"],
  allowWatchBookmarks: ["true", "false"],
  sendInitialEvents: ["true", "false", ""],
  timeoutSeconds: ["1", "0", "-1", "abc"],
  gracePeriodSeconds: ["0", "1", "-1", "abc", "99999999999999999999"],
  propagationPolicy: ["Foreground", "Background", "Orphan", "foreground", ""],
  orphanDependents: ["true", "false", ""],
  includeObject: ["None", "Object", "Metadata", "bogus"],
  bogus: ["1"],
};

const encoder = new TextEncoder();
const bytesOf = (text: string): Uint8Array => encoder.encode(text);

export function fuzzRequest(random: SeededRandom, strategies: readonly ResourceStrategy[]): FuzzRequest {
  const of = oneOf(random, strategies);
  const apiVersion = of.group === "" ? of.version : `${of.group}/${of.version}`;
  const schema = schemaOf(apiVersion, of.kind);
  if (schema === undefined) throw new Error(`no schema of ${of.kind}`);
  const method = oneOf(random, [
    "POST",
    "POST",
    "POST",
    "POST",
    "PUT",
    "PUT",
    "PATCH",
    "PATCH",
    "PATCH",
    "PATCH",
    "DELETE",
    "GET",
    "GET",
    ...(onceIn(random, 8) ? ["WEIRD"] : []),
  ]);
  const name = onceIn(random, 25) ? oneOf(random, strangeNames) : oneOf(random, names);
  const namespace = onceIn(random, 40) ? oneOf(random, strangeNames) : oneOf(random, namespaces);
  const subresource = subresourceFor(random, of, method);
  const isCollection = subresource === "" && (method === "POST" ? !onceIn(random, 30) : onceIn(random, method === "GET" ? 2 : 12));
  const path = [
    of.group === "" ? "/api" : `/apis/${of.group}`,
    onceIn(random, 100) ? "v9" : of.version,
    ...(of.namespaced && !onceIn(random, 30) ? ["namespaces", namespace] : []),
    onceIn(random, 100) ? "bogus" : of.plural,
    ...(isCollection ? [] : [name]),
    ...(subresource === "" ? [] : [subresource]),
  ].join("/");
  const patchType = oneOf(random, patchTypes);
  const usualType = method === "PATCH" ? patchType : "application/json";
  const contentType = onceIn(random, 30) ? oneOf(random, contentTypes) : usualType;
  return {
    method: method === "WEIRD" ? oneOf(random, ["HEAD", "OPTIONS", "TRACE", "CONNECT", "BREW"]) : method,
    path: onceIn(random, 200) ? oneOf(random, ["/", "//", "/api", "/apis/apps", "/openapi/v3/x", `${path}//`, `/api/v1/watch/pods`]) : path,
    query: queryFor(random, method, contentType),
    contentType: contentType === "" ? undefined : contentType,
    accept: onceIn(random, 12) ? oneOf(random, accepts) : undefined,
    body: bodyFor(random, of, apiVersion, schema, { method, name, namespace, subresource, contentType }),
  };
}

function subresourceFor(random: SeededRandom, of: ResourceStrategy, method: string): string {
  if (onceIn(random, 60)) return oneOf(random, subresources);
  const served = of.subresources.filter((name) => !["log", "exec", "attach", "portforward", "proxy"].includes(name));
  return served.length > 0 && method !== "DELETE" && onceIn(random, 6) ? oneOf(random, served) : "";
}

function queryFor(random: SeededRandom, method: string, contentType: string): string {
  const chosen: string[] = [];
  if (contentType === "application/apply-patch+yaml" && !onceIn(random, 20)) chosen.push("fieldManager=fuzz");
  if (contentType === "application/apply-patch+yaml" && onceIn(random, 2)) chosen.push("force=true");
  const usual =
    method === "GET"
      ? [
          "limit",
          "continue",
          "resourceVersion",
          "resourceVersionMatch",
          "labelSelector",
          "fieldSelector",
          "watch",
          "allowWatchBookmarks",
          "sendInitialEvents",
          "timeoutSeconds",
          "includeObject",
        ]
      : method === "DELETE"
        ? ["gracePeriodSeconds", "propagationPolicy", "orphanDependents", "dryRun", "labelSelector"]
        : ["dryRun", "fieldManager", "fieldValidation", "pretty"];
  for (let count = onceIn(random, method === "GET" ? 2 : 4) ? random.int(4) : 0; count > 0; count -= 1) {
    const option = onceIn(random, 10) ? oneOf(random, Object.keys(options)) : oneOf(random, usual);
    const value = oneOf(random, options[option] ?? []);
    chosen.push(`${option}=${value.includes("%") ? value : encodeURIComponent(value)}`);
  }
  return chosen.join("&");
}

interface Target {
  method: string;
  name: string;
  namespace: string;
  subresource: string;
  contentType: string;
}

function bodyFor(random: SeededRandom, of: ResourceStrategy, apiVersion: string, schema: Schema, target: Target): Uint8Array {
  const text = textFor(random, of, apiVersion, schema, target);
  switch (random.int(150)) {
    case 0: // invalid UTF-8 somewhere inside
    case 1: {
      const bytes = bytesOf(text);
      if (bytes.length > 0) bytes[random.int(bytes.length)] = oneOf(random, [0xff, 0xc0, 0x80, 0x00]);
      return bytes;
    }
    case 2: // cut off
      return bytesOf(text.slice(0, random.int(text.length + 1)));
    case 3:
      return bytesOf(`\ufeff${text}`);
    case 4:
      return bytesOf(`${text}${oneOf(random, ["}", " x", "\n---\n{}", "\u0000"])}`);
    case 5: // megabytes are slow to make: rarely
      return onceIn(random, 8) ? bytesOf(`{"data":{"a":"${"x".repeat(oneOf(random, [1_600_000, 3_145_728]))}"}}`) : new Uint8Array(0);
    case 6:
      return bytesOf(
        oneOf(random, ["", "null", "[]", "1", '"a"', "k8s\u0000", "{", "- a\n- b", "a: &a [*a]", "!!binary x", "%YAML 1.1\n---\n"]),
      );
    default:
      return bytesOf(text);
  }
}

function textFor(random: SeededRandom, of: ResourceStrategy, apiVersion: string, schema: Schema, target: Target): string {
  const { method, subresource, contentType } = target;
  if (method === "GET" || method === "WEIRD") return onceIn(random, 50) ? absurd(random) : "";
  if (method === "DELETE") return onceIn(random, 3) ? deleteText(random) : "";
  if (subresource === "binding") return bindingText(random, target);
  if (subresource === "eviction") {
    const eviction = { apiVersion: "policy/v1", kind: "Eviction", metadata: { name: target.name, namespace: target.namespace } };
    return mutated(random, eviction, schemaOf("policy/v1", "Eviction") ?? {}, random.int(2), 6);
  }
  if (contentType === "application/json-patch+json") return jsonPatchText(random, of, schema);
  const isScale = subresource === "scale";
  const example = isScale ? { spec: { replicas: random.int(4) } } : exampleOf(of);
  const type = isScale ? "autoscaling/v1" : apiVersion;
  const kind = isScale ? "Scale" : of.kind;
  const shape = isScale ? (schemaOf("autoscaling/v1", "Scale") ?? {}) : schema;
  const isPartial = contentType.includes("merge-patch");
  const metadata = isPartial
    ? {}
    : { name: decodedName(target.name), ...(of.namespaced && onceIn(random, 3) ? { namespace: target.namespace } : {}) };
  const named = isPartial
    ? onceIn(random, 4)
      ? { ...example, $patch: "replace" }
      : example
    : { apiVersion: type, kind, ...example, metadata: { ...(example as { metadata?: object }).metadata, ...metadata } };
  const json =
    onceIn(random, 12) && !isScale
      ? generate(random, shape, 5, oneOf(random, [Number.POSITIVE_INFINITY, 60, 8]))
      : mutated(random, named, shape, oneOf(random, [0, 1, 1, 2, 3, 6]), oneOf(random, [Number.POSITIVE_INFINITY, 40, 6]));
  return contentType.includes("yaml") && onceIn(random, 3) ? asYaml(random, json) : json;
}

const decodedName = (name: string): string => {
  try {
    return decodeURIComponent(name);
  } catch {
    return name;
  }
};

const exampleOf = (of: ResourceStrategy): object => (of.group === "events.k8s.io" ? eventsExample : (examples[of.kind] ?? {}));

function deleteText(random: SeededRandom): string {
  const asked = { apiVersion: "v1", kind: "DeleteOptions", propagationPolicy: "Background" };
  return mutated(random, asked, schemaOf("v1", "DeleteOptions") ?? {}, random.int(3), 8);
}

function bindingText(random: SeededRandom, { name, namespace }: Target): string {
  const binding = { apiVersion: "v1", kind: "Binding", metadata: { name, namespace }, target: { kind: "Node", name: "node-1" } };
  return mutated(random, binding, schemaOf("v1", "Binding") ?? {}, random.int(2), 6);
}

const pointers = [
  "",
  "/",
  "/metadata",
  "/metadata/labels",
  "/metadata/labels/a",
  "/metadata/annotations/a~1b",
  "/spec",
  "/spec/replicas",
  "/spec/ports/0",
  "/spec/ports/-",
  "/status",
  "/__proto__/polluted",
  "/constructor/prototype/polluted",
  "/metadata/name",
  "/spec/template/spec/containers/0/image",
  "/data/a",
  "/a~2b",
  "no-slash",
  "/spec/containers/99999999999",
];

function jsonPatchText(random: SeededRandom, of: ResourceStrategy, schema: Schema): string {
  const operation = (): string => {
    if (onceIn(random, 15)) return absurd(random);
    const op = oneOf(random, ["add", "add", "remove", "replace", "replace", "move", "copy", "test", "bogus"]);
    const value = onceIn(random, 3) ? absurd(random) : onceIn(random, 2) ? generate(random, schema, 3, 10) : JSON.stringify(exampleOf(of));
    const members = [
      `"op":"${op}"`,
      `"path":${JSON.stringify(oneOf(random, pointers))}`,
      `"from":${JSON.stringify(oneOf(random, pointers))}`,
      `"value":${value}`,
    ];
    return `{${members.filter(() => !onceIn(random, 12)).join(",")}}`;
  };
  return `[${Array.from({ length: 1 + random.int(3) }, operation).join(",")}]`;
}

/** Block style with YAML 1.1's idea of truth, tabs and anchors; the members keep their JSON text, which is YAML too. */
function asYaml(random: SeededRandom, json: string): string {
  const ending = oneOf(random, [
    "",
    "\nbogus: yes",
    "\nmetadata: {labels: {a: on, b: 012, c: 1_000, d: 2026-11-24, e: ~, f: 0x10, g: 1:30}}",
    "\n\ttab: 1",
    "\nbomb: &a [x,x]\nmore: [*a,*a,*a]",
    "\n---\nkind: Other",
    "\nkind: Again",
    "\n<<: {kind: Merged}",
    "\n? [complex]\n: key",
    "\n!!js/function x: y",
  ]);
  if (!json.startsWith("{") || !json.endsWith("}")) return json + ending;
  return onceIn(random, 2) ? `${json}${ending}` : `bogus: no\nmetadata: {name: yes}${ending}`;
}
