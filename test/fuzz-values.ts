/**
 * Makes up objects of any kind from its OpenAPI schema: valid, nearly valid and absurd.
 *
 * Values are JSON text, not JavaScript: duplicate keys, `1e999999999` and lone surrogates must reach the server as they are.
 */
import type { SeededRandom } from "../durable-objects/cluster/api/seeded-random.ts";
import { resolved, type Schema } from "./schema-check.ts";

export const oneOf = <T>(random: SeededRandom, choices: readonly T[]): T => choices[random.int(choices.length)] as T;

/** True once in so many times. */
export const onceIn = (random: SeededRandom, times: number): boolean => random.int(times) === 0;

const plausibleStrings = [
  "a",
  "web",
  "web-2",
  "default",
  "kube-system",
  "node-1",
  "http",
  "TCP",
  "UDP",
  "app",
  "v1",
  "v1/Pod",
  "apps/v1",
  "Always",
  "ClusterIP",
  "None",
  "IPv4",
  "10.0.0.1",
  "10.96.0.10",
  "10.0.0.0/8",
  "fd00::1",
  "100m",
  "1Gi",
  "50%",
  "nginx:1.27",
  "/healthz",
  "metadata.name",
  "$(HOME)",
  "example.com/part",
  "2026-11-24T12:00:00Z",
  "True",
  "In",
  "Exists",
  "NoSchedule",
  "RollingUpdate",
  "Recreate",
];

const absurdTexts = [
  "null",
  '""',
  '" "',
  "0",
  "-1",
  "65536",
  "1.5",
  "-0",
  "2147483648",
  "9223372036854775807",
  "9223372036854775808",
  "1e999999999",
  "1e-999999999",
  '"1e999999999"',
  '"1E+2147483647"',
  '"-1Ki"',
  '"0x1F"',
  "true",
  "false",
  '"yes"',
  '"no"',
  '"on"',
  "[]",
  "{}",
  "[{}]",
  "[null]",
  "[[]]",
  '[""]',
  "{}",
  '{"a":null}',
  '{"":""}',
  '{"__proto__":{"polluted":true}}',
  '{"constructor":{"prototype":{"polluted":true}}}',
  '{"toString":"x","hasOwnProperty":"y"}',
  '"__proto__"',
  '"constructor"',
  '"hasOwnProperty"',
  '"\\u0000"',
  '"\\ud800"',
  '"\\udfff\\ud800"',
  '"\u202e\ufeff"',
  '"A-B_C..d"',
  '"-a-"',
  '"a/b/c"',
  '"%2F%25"',
  '"../../etc"',
  '"10.0.0.256"',
  '"010.1.2.3"',
  '"::ffff:10.0.0.1"',
  '"2001:db8::/129"',
  '"not a time"',
  '"0000-00-00T00:00:00Z"',
  '"9999-12-31T23:59:59.999999999Z"',
  '"$(((((((("',
  '"*"',
  `"${"x".repeat(64)}"`,
  `"${"x".repeat(254)}"`,
  `"${"é".repeat(300)}"`,
  `"${"a.".repeat(130)}a"`,
];

/** Of any type and none of the schema's business. */
export function absurd(random: SeededRandom): string {
  switch (random.int(40)) {
    case 0:
      return nested("[", "]", 40 + random.int(20_000));
    case 1:
      return nested('{"a":', "}", 40 + random.int(20_000), "1");
    case 2:
      return hugeMap(1 + random.int(2_000));
    case 3:
      return `[${Array.from({ length: 1 + random.int(500) }, () => oneOf(random, absurdTexts)).join(",")}]`;
    default:
      return oneOf(random, absurdTexts);
  }
}

const nested = (open: string, close: string, depth: number, inner = ""): string => open.repeat(depth) + inner + close.repeat(depth);

const hugeMap = (size: number): string => `{${Array.from({ length: size }, (_, at) => `"key-${at}":"value"`).join(",")}}`;

/**
 * JSON text for a schema.
 *
 * @param depth how many levels of structures may still be opened
 * @param wildness one value in so many is absurd; `Infinity`: none
 */
export function generate(random: SeededRandom, reference: Schema, depth: number, wildness: number): string {
  if (wildness !== Number.POSITIVE_INFINITY && onceIn(random, wildness)) return absurd(random);
  const schema = resolved(reference);
  if (schema.enum && !onceIn(random, 8)) return JSON.stringify(oneOf(random, schema.enum));
  if (schema.oneOf)
    return onceIn(random, 2) ? String(random.int(9000)) : JSON.stringify(oneOf(random, ["100m", "1Gi", "25%", "http", "80"]));
  switch (schema.type) {
    case "boolean":
      return String(onceIn(random, 2));
    case "integer":
      return String(oneOf(random, [0, 1, 2, 3, 8, 30, 80, 443, 8080, 30080]));
    case "number":
      return String(random.next());
    case "array": {
      const length = depth > 0 ? random.int(3) : 0;
      return `[${Array.from({ length }, () => generate(random, schema.items ?? {}, depth - 1, wildness)).join(",")}]`;
    }
    case "object":
      return objectText(random, schema, depth, wildness);
    default: {
      if (schema.format === "date-time") return '"2026-11-24T12:00:00Z"';
      if (schema.format === "byte") return '"aGVsbG8="';
      return JSON.stringify(oneOf(random, plausibleStrings));
    }
  }
}

function objectText(random: SeededRandom, schema: Schema, depth: number, wildness: number): string {
  const members: string[] = [];
  if (schema.additionalProperties) {
    for (let count = random.int(3); count > 0; count -= 1) {
      members.push(
        `${JSON.stringify(oneOf(random, plausibleStrings))}:${generate(random, schema.additionalProperties, depth - 1, wildness)}`,
      );
    }
  }
  const properties = Object.entries(schema.properties ?? {});
  // Deep down only what is required, so that objects stay small.
  const share = depth <= 0 ? 0 : Math.min(1, 3 / properties.length);
  for (const [name, property] of properties) {
    const isRequired = schema.required?.includes(name) === true;
    if (isRequired ? onceIn(random, 12) : random.next() > share) continue;
    // Thousands of pods are another test's business.
    members.push(
      name === "replicas" ? `"replicas":${random.int(6)}` : `${JSON.stringify(name)}:${generate(random, property, depth - 1, wildness)}`,
    );
  }
  if (wildness !== Number.POSITIVE_INFINITY && onceIn(random, wildness)) {
    if (members.length > 0) members.push(oneOf(random, members));
    members.push(`${oneOf(random, ['"bogus"', '"__proto__"', '"Kind"', '""', '"a.b"'])}:${absurd(random)}`);
  }
  return `{${members.join(",")}}`;
}

/** A place inside a JSON value. */
type Path = (string | number)[];

function pathsOf(value: unknown, path: Path = []): Path[] {
  if (Array.isArray(value)) return [path, ...value.flatMap((item, index) => pathsOf(item, [...path, index]))];
  if (typeof value !== "object" || value === null) return [path];
  return [path, ...Object.entries(value).flatMap(([name, member]) => pathsOf(member, [...path, name]))];
}

/**
 * JSON text of a value with a few places changed: removed, replaced, or another member put beside them.
 *
 * @param schema what the value is; new members are taken from it
 */
export function mutated(random: SeededRandom, value: unknown, schema: Schema, changes: number, wildness: number): string {
  const replacements = new Map<string, string | undefined>();
  const additions = new Map<string, string>();
  const places = pathsOf(value);
  for (let change = 0; change < changes; change += 1) {
    const path = oneOf(random, places);
    const key = JSON.stringify(path);
    const at = schemaAt(schema, path);
    switch (random.int(5)) {
      case 0:
        replacements.set(key, path.length === 0 ? absurd(random) : undefined);
        break;
      case 1:
        if (path.at(-1) === "replicas") replacements.set(key, oneOf(random, ["0", "5", "-1", "2147483648", "1.5", '"3"', "null"]));
        else replacements.set(key, onceIn(random, 2) ? absurd(random) : generate(random, at, 3, wildness));
        break;
      default: {
        const properties = Object.entries(resolved(at).properties ?? {}).filter(([name]) => name !== "apiVersion" && name !== "kind");
        if (properties.length > 0) {
          const [name, property] = oneOf(random, properties);
          additions.set(
            key,
            name === "replicas" ? `"replicas":${random.int(6)}` : `${JSON.stringify(name)}:${generate(random, property, 3, wildness)}`,
          );
        } else if (path.at(-1) !== "replicas") replacements.set(key, generate(random, at, 3, wildness));
      }
    }
  }
  const print = (part: unknown, path: Path): string | undefined => {
    const key = JSON.stringify(path);
    if (replacements.has(key)) return replacements.get(key);
    if (Array.isArray(part)) return `[${part.flatMap((item, index) => print(item, [...path, index]) ?? []).join(",")}]`;
    if (typeof part !== "object" || part === null) return JSON.stringify(part);
    const members = Object.entries(part).flatMap(([name, member]) => {
      const printed = print(member, [...path, name]);
      return printed === undefined ? [] : [`${JSON.stringify(name)}:${printed}`];
    });
    const added = additions.get(key);
    return `{${[...members, ...(added === undefined ? [] : [added])].join(",")}}`;
  };
  return print(value, []) ?? "null";
}

function schemaAt(schema: Schema, path: Path): Schema {
  return path.reduce<Schema>((at, step) => {
    const inside = resolved(at);
    if (typeof step === "number") return inside.items ?? {};
    return inside.properties?.[step] ?? inside.additionalProperties ?? {};
  }, schema);
}
