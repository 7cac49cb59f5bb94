/**
 * The OpenAPI document of version 2 in protobuf, the only form in which kubectl reads it: `kubectl apply` of a `List` or of
 * a kind that it does not find asks for it. Same content as the JSON document.
 *
 * Below, a message is a table: member of the JSON document -> its number and how it is written. Members that version 2
 * has no number for (`nullable` of a custom resource) are left out, as the real server does.
 *
 * @see https://github.com/google/gnostic/blob/main/openapiv2/OpenAPIv2.proto (the numbers)
 */
import { ProtobufWriter } from "./protobuf-writer.ts";

/** Asked for with `@` by kubectl, with `.` by newer clients; the answer is named the second way. */
export const openApiV2ProtobufTypes: readonly string[] = [
  "application/com.github.proto-openapi.spec.v2.v1.0+protobuf",
  "application/com.github.proto-openapi.spec.v2@v1.0+protobuf",
];

export function openApiV2Protobuf(document: object): Uint8Array<ArrayBuffer> {
  const writer = new ProtobufWriter();
  writeMembers(writer, documentMembers, document);
  return writer.written();
}

/** Writes a value under a number. */
type Part = (writer: ProtobufWriter, number: number, value: unknown) => void;

interface Members {
  /** Members by their JSON name. */
  numbers: Record<string, readonly [number: number, part: Part]>;
  /** The number of the list of `x-` members. */
  extensions?: number;
}

function writeMembers(writer: ProtobufWriter, { numbers, extensions }: Members, value: object): void {
  for (const [name, member] of Object.entries(value).reverse()) {
    if (member === undefined) continue;
    const known = numbers[name];
    if (known !== undefined) known[1](writer, known[0], member);
    else if (extensions !== undefined && name.startsWith("x-")) namedAny(writer, extensions, name, member);
  }
}

const text: Part = (writer, number, value) => writer.text(number, value as string);
const flag: Part = (writer, number, value) => writer.bool(number, value as boolean);

/** Any value travels as YAML, and JSON is YAML. */
const any: Part = (writer, number, value) => writer.message(number, () => writer.text(2, JSON.stringify(value)));

const namedAny = (writer: ProtobufWriter, number: number, name: string, value: unknown): void =>
  writer.message(number, () => {
    any(writer, 2, value);
    writer.text(1, name);
  });

const message =
  (members: Members): Part =>
  (writer, number, value) =>
    writer.message(number, () => writeMembers(writer, members, value as object));

/** A message with one member of that number. */
const within =
  (inner: number, part: Part): Part =>
  (writer, number, value) =>
    writer.message(number, () => part(writer, inner, value));

const list =
  (part: Part): Part =>
  (writer, number, value) => {
    for (const item of [...(value as unknown[])].reverse()) part(writer, number, item);
  };

/** The members of a map as pairs of name and value. */
const pairs =
  (part: Part): Part =>
  (writer, number, value) => {
    for (const [name, member] of Object.entries(value as object).reverse()) {
      writer.message(number, () => {
        part(writer, 2, member);
        writer.text(1, name);
      });
    }
  };

const map = (part: Part): Part => within(1, pairs(part));
const texts = list(text);

/** Schemas contain schemas. */
const schema: Part = (writer, number, value) => message(schemaMembers)(writer, number, value);

const schemaMembers: Members = {
  numbers: {
    $ref: [1, text],
    format: [2, text],
    title: [3, text],
    description: [4, text],
    default: [5, any],
    pattern: [13, text],
    uniqueItems: [16, flag],
    required: [19, texts],
    enum: [20, list(any)],
    additionalProperties: [
      21,
      (writer, number, value) => (typeof value === "boolean" ? within(2, flag) : within(1, schema))(writer, number, value),
    ],
    type: [22, within(1, text)],
    items: [23, within(1, schema)],
    allOf: [24, list(schema)],
    properties: [25, map(schema)],
    readOnly: [27, flag],
    example: [30, any],
  },
  extensions: 31,
};

const bodyMembers: Members = {
  numbers: { description: [1, text], name: [2, text], in: [3, text], required: [4, flag], schema: [5, schema] },
  extensions: 6,
};

const shared = { required: [1, flag], in: [2, text], description: [3, text], name: [4, text] } as const;
const queryMembers: Members = { numbers: { ...shared, type: [6, text], format: [7, text], uniqueItems: [20, flag] }, extensions: 23 };
const pathParameterMembers: Members = {
  numbers: { ...shared, type: [5, text], format: [6, text], uniqueItems: [19, flag] },
  extensions: 22,
};

/** A parameter is written inside the choices that lead to its sort. */
const parameterSorts: Record<string, Part> = {
  body: within(1, message(bodyMembers)),
  query: within(2, within(3, message(queryMembers))),
  path: within(2, within(4, message(pathParameterMembers))),
};

const parameter: Part = (writer, number, value) => {
  const place = (value as { in: string }).in;
  const sort = parameterSorts[place];
  if (sort === undefined) throw new Error(`no message for a parameter in ${place}`);
  within(1, sort)(writer, number, value);
};

const responseMembers: Members = { numbers: { description: [1, text], schema: [2, within(1, schema)] }, extensions: 5 };

const operationMembers: Members = {
  numbers: {
    tags: [1, texts],
    description: [3, text],
    operationId: [5, text],
    produces: [6, texts],
    consumes: [7, texts],
    parameters: [8, list(parameter)],
    responses: [9, map(within(1, message(responseMembers)))],
    schemes: [10, texts],
  },
  extensions: 13,
};

const operation: Part = message(operationMembers);

const pathMembers: Members = {
  numbers: {
    get: [2, operation],
    put: [3, operation],
    post: [4, operation],
    delete: [5, operation],
    patch: [8, operation],
    parameters: [9, list(parameter)],
  },
  extensions: 10,
};

const infoMembers: Members = { numbers: { title: [1, text], version: [2, text], description: [3, text] }, extensions: 7 };
const apiKeyMembers: Members = { numbers: { type: [1, text], name: [2, text], in: [3, text], description: [4, text] }, extensions: 5 };

const documentMembers: Members = {
  numbers: {
    swagger: [1, text],
    info: [2, message(infoMembers)],
    paths: [8, within(2, pairs(message(pathMembers)))],
    definitions: [9, map(schema)],
    security: [12, list(map((writer, number, scopes) => writer.message(number, () => texts(writer, 1, scopes))))],
    securityDefinitions: [13, map(within(2, message(apiKeyMembers)))],
  },
  extensions: 16,
};
