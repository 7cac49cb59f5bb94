/**
 * Small checks that many kinds make in the same words.
 */
import { type FieldError, invalid, notSupported, required } from "../../api/field-error.ts";

export const nonNegative = (field: string, value: number | undefined): FieldError[] =>
  value !== undefined && value < 0 ? [invalid(field, value, "must be greater than or equal to 0")] : [];

export const between = (field: string, value: number, from: number, to: number): FieldError[] =>
  value < from || value > to ? [invalid(field, value, `must be between ${from} and ${to}, inclusive`)] : [];

export const oneOf = (field: string, value: string | undefined, allowed: readonly string[]): FieldError[] =>
  value !== undefined && allowed.includes(value) ? [] : [notSupported(field, value ?? "", allowed)];

/** Absent is a mistake of its own. */
export const requiredOneOf = (field: string, value: string | undefined, allowed: readonly string[]): FieldError[] =>
  value ? oneOf(field, value, allowed) : [required(field)];

export const largestInt32 = 2147483647;
