import type { Decoded, FieldValidation, GroupVersionKind } from "./field-knowledge.ts";

/** Reads a request body as the expected kind; throws the server's 400, 413 or 415. */
export function decodeObject(
  _body: Uint8Array,
  _contentType: string,
  _expected: GroupVersionKind,
  _fieldValidation: FieldValidation,
): Decoded {
  throw new Error("not yet");
}
