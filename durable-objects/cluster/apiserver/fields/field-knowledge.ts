/**
 * What every part of this room speaks of: a kind of the API, how strict to be about its fields, and a decoded object.
 *
 * The room knows the fields of every kind of Kubernetes 1.36 (tables made by `scripts/build-schemas.mjs`). It decodes
 * (`decode.ts`), fills in the defaults of the schema (`defaults.ts`), patches (`patch.ts`), and keeps track of who set
 * what (`managed-fields.ts`, `apply.ts`). It knows no rule of one kind: those are in `resources/`.
 */

/** The core group is `""`. */
export interface GroupVersionKind {
  group: string;
  version: string;
  kind: string;
}

/** What to do about unknown and duplicate fields: refuse, warn, or drop them silently. */
export type FieldValidation = "Strict" | "Warn" | "Ignore";

export interface Decoded {
  /** Known fields only, `apiVersion` and `kind` set, as the server would write it back (before defaults). */
  object: Record<string, unknown>;
  /** Texts for `Warning` headers, in the order of the document. */
  warnings: string[];
}

/** `apps/v1`, or `v1` for the core group. */
export const apiVersionOf = (of: { group: string; version: string }): string =>
  of.group === "" ? of.version : `${of.group}/${of.version}`;
