/**
 * Turns a patched object into the structure of its kind without going through text, as the server does after a
 * strategic merge patch. Its errors differ from those of the JSON decoder and name no field.
 *
 * @see https://pkg.go.dev/k8s.io/apimachinery/pkg/runtime#UnstructuredConverter
 */
import { decodeValue, FieldDecodingError } from "./decode-struct.ts";
import { goKindOf, goTypeOf } from "./go-format.ts";
import { parseJson } from "./go-json.ts";
import { type FieldType, type Struct, structNamed } from "./schema.ts";

type Value = Record<string, unknown>;

/** The message is the converter's. */
export class ConversionError extends Error {
  override readonly name = "ConversionError";
}

class Converter {
  readonly unknown: string[] = [];

  struct(struct: Struct, value: unknown, path: string): Value {
    if (goKindOf(value) !== "map") throw new ConversionError(`cannot restore struct from: ${goKindOf(value)}`);
    const members = value as Value;
    const converted: Value = {};
    for (const { name, type } of struct.fields.values()) {
      const member = members[name];
      if (member !== undefined && member !== null) converted[name] = this.value(type, member, path === "" ? name : `${path}.${name}`);
    }
    for (const key of Object.keys(members)) {
      if (!struct.fields.has(key)) this.unknown.push(`unknown field "${path === "" ? key : `${path}.${key}`}"`);
    }
    return converted;
  }

  value(type: FieldType, value: unknown, path: string): unknown {
    if (value === null) return null;
    switch (type.kind) {
      case "struct":
        return this.struct(structNamed(type.name), value, path);
      case "list":
        if (!Array.isArray(value)) throw new ConversionError(`cannot restore slice from ${goKindOf(value)}`);
        return value.map((item, index) => this.value(type.of, item, `${path}[${index}]`));
      case "map":
        if (goKindOf(value) !== "map") throw new ConversionError(`cannot restore map from ${goKindOf(value)}`);
        return Object.fromEntries(Object.entries(value as Value).map(([key, item]) => [key, this.value(type.of, item, path)]));
      case "bytes":
        if (typeof value !== "string") throw new ConversionError(`cannot restore slice from ${goKindOf(value)}`);
        return viaJson(type, value, "error decoding from json: ");
      case "string":
      case "bool":
      case "int32":
      case "int64":
      case "float64":
        return scalar(type.kind, type.goName, value);
      default:
        return viaJson(type, value, "");
    }
  }
}

/** Go converts between kinds of numbers, and knows a conversion from number to text that it then refuses. */
function scalar(kind: "string" | "bool" | "int32" | "int64" | "float64", goName: string, value: unknown): unknown {
  const found = goTypeOf(value);
  if (kind === found || (kind === "string" && found === "string")) return value;
  if (kind === "int32" && found === "int64") return Number(value) | 0; // wraps around, as Go's conversion does
  if (kind === "float64" && found === "int64") return value;
  const convertible = (kind === "string" && found === "int64") || (kind.startsWith("int") && found === "float64");
  throw new ConversionError(convertible ? `cannot convert ${found} to ${goName}` : `unrecognized type: ${kind}`);
}

function viaJson(type: FieldType, value: unknown, prefix: string): unknown {
  const text = JSON.stringify(value);
  try {
    return decodeValue(type, parseJson(text), text);
  } catch (error) {
    if (error instanceof FieldDecodingError) throw new ConversionError(`${prefix}${error.message}`);
    throw error;
  }
}

/** Throws `ConversionError`. `unknown` is sorted, as the server reports it. */
export function fromPlain(struct: Struct, value: Value): { value: Value; unknown: string[] } {
  const converter = new Converter();
  const converted = converter.struct(struct, value, "");
  return { value: converted, unknown: converter.unknown.sort() };
}
