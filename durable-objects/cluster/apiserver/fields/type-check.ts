/** Checks an applied configuration against a merge type. The messages are those of the server's library, quirks included. */
import { printStep } from "./field-set.ts";
import { goText, goTypeOf } from "./go-format.ts";
import { deduce, type MergeType } from "./merge-type.ts";
import { ElementError, isMap, type ListType, memberType, stepOf } from "./typed-value.ts";

/** Mistakes in a value, each with its path: `.data.x: expected string, got …`. */
export function typeErrors(type: MergeType, value: unknown, path = ""): string[] {
  const as = deduce(type, value);
  if (value === null || value === undefined) return [];
  if (as.kind === "scalar") return scalarErrors(as.scalar, value, path);
  if (as.kind === "list") {
    if (!Array.isArray(value)) return [at(path, `expected list, got &{${goText(value)}}`)];
    return listErrors(as, value, path);
  }
  if (!isMap(value)) return [at(path, `expected map, got &{${goText(value)}}`)];
  return Object.entries(value).flatMap(([name, member]) => {
    if (as.field(name) === undefined && as.element === undefined) return [at(`${path}.${name}`, "field not declared in schema")];
    return typeErrors(memberType(as, name), member, `${path}.${name}`);
  });
}

const at = (path: string, message: string): string => (path === "" ? message : `${path}: ${message}`);

function scalarErrors(scalar: string, value: unknown, path: string): string[] {
  const found = typeof value;
  if (scalar === "numeric" && found !== "number") return [at(path, `expected numeric (int or float), got ${goTypeOf(value)}`)];
  if (scalar === "string" && found !== "string")
    return [at(path, `expected string, got &value.valueUnstructured{Value:${goSyntax(value)}}`)];
  if (scalar === "boolean" && found !== "boolean") return [at(path, `expected boolean, got &{${goText(value)}}`)];
  if (found === "object") return [at(path, `expected any scalar, got &{${goText(value)}}`)];
  return [];
}

/** `%#v` */
function goSyntax(value: unknown, depth = 500): string {
  if (value === null || value === undefined) return "interface {}(nil)";
  if (depth === 0) return "...";
  if (Array.isArray(value)) return `[]interface {}{${value.map((item) => goSyntax(item, depth - 1)).join(", ")}}`;
  if (!isMap(value)) return JSON.stringify(value);
  const members = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
  return `map[string]interface {}{${members.map(([key, member]) => `${JSON.stringify(key)}:${goSyntax(member, depth - 1)}`).join(", ")}}`;
}

function listErrors(type: ListType, items: readonly unknown[], path: string): string[] {
  const errors: string[] = [];
  const seen = new Set<string>();
  for (const [index, item] of items.entries()) {
    let step = `i:${index}`;
    if (!type.atomic) {
      try {
        step = stepOf(type, item);
      } catch (error) {
        if (!(error instanceof ElementError)) throw error;
        return [...errors, at(path, `element ${index}: ${error.message}`)];
      }
      if (seen.has(step)) errors.push(at(path, `duplicate entries for key ${printStep(step)}`));
      seen.add(step);
    }
    errors.push(...typeErrors(type.of, item, `${path}${printStep(step)}`));
  }
  return errors;
}
