/** The query options of POST, PUT and PATCH. */
import { type FieldError, invalid, invalidObject, notSupported, required, tooLong } from "../api/field-error.ts";
import { dryRunErrors } from "./delete-options.ts";
import type { FieldValidation } from "./fields/field-knowledge.ts";

export interface ParsedWriteOptions {
  dryRun: boolean;
  fieldValidation: FieldValidation;
  /** Who is noted in managedFields: `?fieldManager=`, or the user agent up to its first slash. */
  manager: string;
}

const longestManager = 128;

/**
 * @param kind as refusals name it
 * @param isApply a server-side apply must name its manager
 * @throws StatusError 422 with every mistake
 */
export function writeOptions(
  query: URLSearchParams,
  kind: "CreateOptions" | "UpdateOptions" | "PatchOptions",
  userAgent: string | undefined,
  isApply = false,
): ParsedWriteOptions {
  const dryRun = query.getAll("dryRun");
  const validation = query.get("fieldValidation") ?? "";
  const manager = query.get("fieldManager") ?? "";
  const errors = [
    ...(isApply && manager === "" ? [required("fieldManager", "is required for apply patch")] : managerErrors(manager)),
    ...dryRunErrors(dryRun),
  ];
  if (!["", "Ignore", "Strict", "Warn"].includes(validation)) {
    errors.push(notSupported("fieldValidation", validation, ["", "Ignore", "Strict", "Warn"]));
  }
  if (errors.length > 0) throw invalidObject({ group: "meta.k8s.io", kind }, "", errors);
  return {
    dryRun: dryRun.length > 0,
    fieldValidation: validation === "" ? "Warn" : (validation as FieldValidation),
    manager: manager === "" ? (userAgent ?? "").split("/")[0] || "unknown" : manager,
  };
}

function managerErrors(manager: string): FieldError[] {
  if (new TextEncoder().encode(manager).length > longestManager) return [tooLong("fieldManager", longestManager)];
  const characters = [...manager];
  const at = characters.findIndex((character) => /[^\P{C}]|[^\S ]/u.test(character));
  if (at < 0) return [];
  const code = (characters[at]?.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, "0");
  return [invalid("fieldManager", manager, `invalid character U+${code} (at position ${at})`)];
}
