/**
 * Mistakes in the fields of an object, collected and never thrown one by one, and the 422 that carries them all.
 */
import { failure, type StatusError } from "./status-error.ts";

export type FieldErrorType =
  | "FieldValueNotFound"
  | "FieldValueRequired"
  | "FieldValueDuplicate"
  | "FieldValueInvalid"
  | "FieldValueNotSupported"
  | "FieldValueForbidden"
  | "FieldValueTooLong"
  | "FieldValueTooMany"
  | "FieldValueTypeInvalid"
  | "InternalError";

/** `message` is the part behind the field path: `Invalid value: "x": must be ...`. */
export interface FieldError {
  type: FieldErrorType;
  /** `spec.ports[0].port` */
  field: string;
  message: string;
}

/** Go's way to write a value into a message: strings quoted, others as JSON would. */
const shown = (value: unknown): string => {
  if (value === undefined || value === null) return "null";
  if (typeof value === "string") return JSON.stringify(value);
  return typeof value === "object" ? JSON.stringify(value) : String(value);
};

export const invalid = (field: string, value: unknown, detail: string): FieldError => ({
  type: "FieldValueInvalid",
  field,
  message: detail === "" ? `Invalid value: ${shown(value)}` : `Invalid value: ${shown(value)}: ${detail}`,
});
export const required = (field: string, detail = ""): FieldError => ({
  type: "FieldValueRequired",
  field,
  message: detail === "" ? "Required value" : `Required value: ${detail}`,
});
export const duplicate = (field: string, value: unknown): FieldError => ({
  type: "FieldValueDuplicate",
  field,
  message: `Duplicate value: ${shown(value)}`,
});
export const notSupported = (field: string, value: unknown, supported: readonly string[]): FieldError => ({
  type: "FieldValueNotSupported",
  field,
  message: `Unsupported value: ${shown(value)}: supported values: ${supported.map((v) => JSON.stringify(v)).join(", ")}`,
});
export const forbiddenField = (field: string, detail: string): FieldError => ({
  type: "FieldValueForbidden",
  field,
  message: `Forbidden: ${detail}`,
});
export const tooLong = (field: string, maxLength: number): FieldError => ({
  type: "FieldValueTooLong",
  field,
  message: `Too long: may not be more than ${maxLength} bytes`,
});
export const tooMany = (field: string, actual: number, max: number): FieldError => ({
  type: "FieldValueTooMany",
  field,
  message: `Too many: ${actual}: must have at most ${max} items`,
});

/** Service "web" is invalid: spec.ports[0].port: Invalid value: 0: must be between 1 and 65535, inclusive */
export function invalidObject(of: { group: string; kind: string }, name: string, errors: readonly FieldError[]): StatusError {
  // The causes say everything as often as it was found; the message says the same thing once.
  const texts = [...new Set(errors.map((e) => `${e.field}: ${e.message}`))];
  const kind = of.group === "" ? of.kind : `${of.kind}.${of.group}`;
  return failure(422, "Invalid", `${kind} "${name}" is invalid: ${texts.length === 1 ? texts[0] : `[${texts.join(", ")}]`}`, {
    ...(name === "" ? {} : { name }),
    ...(of.group === "" ? {} : { group: of.group }),
    kind: of.kind,
    causes: errors.map((e) => ({ reason: e.type, message: e.message, field: e.field })),
  });
}
