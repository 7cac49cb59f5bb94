/** The OpenAPI schemas of the structures, made from the same tables that decode them. */
import { type Field, type FieldType, type Struct, structNamed } from "../fields/schema.ts";
import { groupNames, otherKinds, schemaExtras, selfNamedKinds } from "../fields/structs.generated.ts";
import { descriptionOf } from "./descriptions.ts";

export type Schema = Record<string, unknown>;

/** How a document refers to its schemas: `#/components/schemas/` or `#/definitions/`. */
export type Dialect = "v3" | "v2";

const prefixes: Record<string, string> = {
  meta: "io.k8s.apimachinery.pkg.apis",
  apiextensions: "io.k8s.apiextensions-apiserver.pkg.apis",
};

/** `core.v1.Pod` -> `io.k8s.api.core.v1.Pod` */
export const openApiName = (name: string): string => {
  const group = name.slice(0, name.indexOf("."));
  return `${prefixes[group] ?? "io.k8s.api"}.${name}`;
};

interface Opaque {
  name: string;
  schema: Schema;
}

const meta = "io.k8s.apimachinery.pkg.apis.meta.v1";
const crd = "io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1";
const opaque: Partial<Record<FieldType["kind"], Opaque>> = {
  quantity: { name: "io.k8s.apimachinery.pkg.api.resource.Quantity", schema: { oneOf: [{ type: "string" }, { type: "number" }] } },
  intOrString: {
    name: "io.k8s.apimachinery.pkg.util.intstr.IntOrString",
    schema: { format: "int-or-string", oneOf: [{ type: "integer" }, { type: "string" }] },
  },
  time: { name: `${meta}.Time`, schema: { type: "string", format: "date-time" } },
  microTime: { name: `${meta}.MicroTime`, schema: { type: "string", format: "date-time" } },
  rawExtension: { name: "io.k8s.apimachinery.pkg.runtime.RawExtension", schema: { type: "object" } },
  fieldsV1: { name: `${meta}.FieldsV1`, schema: { type: "object" } },
  json: { name: `${crd}.JSON`, schema: {} },
  schemaOrArray: { name: `${crd}.JSONSchemaPropsOrArray`, schema: {} },
  schemaOrBool: { name: `${crd}.JSONSchemaPropsOrBool`, schema: {} },
  schemaOrStrings: { name: `${crd}.JSONSchemaPropsOrStringArray`, schema: {} },
};

const scalars: Partial<Record<FieldType["kind"], Schema>> = {
  string: { type: "string" },
  bytes: { type: "string", format: "byte" },
  int32: { type: "integer", format: "int32" },
  int64: { type: "integer", format: "int64" },
  float64: { type: "number", format: "double" },
  bool: { type: "boolean" },
};

const kindsByStruct = new Map<string, object[]>();
for (const name of selfNamedKinds) {
  const [group = "", version, kind] = name.split(".");
  kindsByStruct.set(name, [{ group: groupNames[group], kind, version }]);
}
for (const [name, kinds] of Object.entries(otherKinds)) {
  const parts = kinds.map((gvk) => gvk.split("/"));
  kindsByStruct.set(
    name,
    parts.map(([group, version, kind]) => ({ group, kind, version })),
  );
}

/** Collects schemas with everything they refer to. */
export class SchemaCollector {
  readonly #schemas = new Map<string, Schema>();
  readonly #dialect: Dialect;

  constructor(dialect: Dialect) {
    this.#dialect = dialect;
  }

  /** A reference to the schema of a structure, which comes along. */
  reference(structName: string): Schema {
    const name = openApiName(structName);
    if (!this.#schemas.has(name)) {
      this.#schemas.set(name, {}); // before its members: structures may contain themselves
      this.#schemas.set(name, this.#struct(structNamed(structName)));
    }
    return this.#ref(name);
  }

  /** A schema that no structure stands behind: a custom resource's. */
  custom(name: string, schema: Schema): Schema {
    this.#schemas.set(name, schema);
    return this.#ref(name);
  }

  /** All of them, by name. */
  collected(): Record<string, Schema> {
    return Object.fromEntries([...this.#schemas].sort(([a], [b]) => (a < b ? -1 : 1)));
  }

  #ref(name: string): Schema {
    return { $ref: `${this.#dialect === "v3" ? "#/components/schemas/" : "#/definitions/"}${name}` };
  }

  #struct(struct: Struct): Schema {
    const fields = [...struct.fields.values()].sort((a, b) => (a.name < b.name ? -1 : 1));
    const required = [...struct.fields.values()].filter((field) => field.required).map(({ name }) => name);
    const description = descriptionOf(struct.name);
    const kinds = kindsByStruct.get(struct.name);
    return {
      ...(description !== undefined && { description }),
      type: "object",
      ...(required.length > 0 && { required }),
      ...(fields.length > 0 && { properties: Object.fromEntries(fields.map((field) => [field.name, this.#property(struct, field)])) }),
      ...(kinds !== undefined && { "x-kubernetes-group-version-kind": kinds }),
      ...(struct.atomic && { "x-kubernetes-map-type": "atomic" }),
      ...schemaExtras[struct.name],
    };
  }

  #property(struct: Struct, field: Field): Schema {
    const type = this.#withEnum(this.#type(field.type), field.enum);
    const description = descriptionOf(struct.name, field.name);
    return {
      ...(description !== undefined && { description }),
      ...(field.default !== undefined && this.#dialect === "v3" && { default: field.default }),
      ...(type["$ref"] !== undefined && this.#dialect === "v3" ? { allOf: [type] } : type),
      ...(field.listType !== undefined && { "x-kubernetes-list-type": field.listType }),
      ...(field.listMapKeys !== undefined && { "x-kubernetes-list-map-keys": field.listMapKeys }),
      ...(field.mapType !== undefined && { "x-kubernetes-map-type": field.mapType }),
      ...(field.mergeKey !== undefined && { "x-kubernetes-patch-merge-key": field.mergeKey }),
      ...(field.mergeStrategies.length > 0 && { "x-kubernetes-patch-strategy": field.mergeStrategies.join(",") }),
    };
  }

  #withEnum(type: Schema, values: readonly string[] | undefined): Schema {
    if (values === undefined) return type;
    const holder = "items" in type ? "items" : "additionalProperties" in type ? "additionalProperties" : undefined;
    return holder === undefined ? { ...type, enum: values } : { ...type, [holder]: { ...(type[holder] as Schema), enum: values } };
  }

  #type(type: FieldType): Schema {
    if (type.kind === "struct") return this.reference(type.name);
    if (type.kind === "list") return { type: "array", items: this.#type(type.of) };
    if (type.kind === "map") return { type: "object", additionalProperties: this.#type(type.of) };
    const known = opaque[type.kind];
    if (known === undefined) return scalars[type.kind] as Schema;
    return this.custom(known.name, this.#dialect === "v3" ? known.schema : v2Schema(known.schema));
  }
}

/** OpenAPI v2 has no `oneOf`: what may be a number too is said to be a string. */
const v2Schema = (schema: Schema): Schema => {
  const { oneOf, ...rest } = schema;
  return oneOf === undefined ? schema : { ...rest, type: "string" };
};
