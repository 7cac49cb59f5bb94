/**
 * Why a packet did not arrive, or a name did not resolve, and what would repair it. A finding has no language; a `Why`
 * is the finding said in one.
 */
import type { ObjectRef } from "../api/network.ts";
import { catalogueOf, type FixCode, type FixParams, type Language, type WhyCode, type WhyParams } from "./messages/catalogue.ts";

/** A request to the Kubernetes API that is part of a repair. */
export interface Patch {
  apiVersion: string;
  kind: string;
  namespace?: string;
  name: string;
  method: "PATCH" | "POST" | "DELETE";
  contentType: string;
  body: unknown;
}

export interface Finding {
  code: WhyCode;
  params: object;
  because: readonly ObjectRef[];
  fix: { code: FixCode; params: object; patches: readonly Patch[] };
}

export interface Why {
  code: WhyCode;
  params: object;
  message: string;
  because: readonly ObjectRef[];
  fix: { text: string; patches: readonly Patch[] };
  /** What else is wrong on the same way. */
  also: Omit<Why, "also">[];
}

export function finding<Code extends WhyCode>(
  code: Code,
  params: WhyParams<Code>,
  because: readonly ObjectRef[],
  fix: Finding["fix"],
): Finding {
  return { code, params: params as object, because, fix };
}

/** @param patches in the order in which they are to be sent; empty where a person has to decide */
export const fix = <Code extends FixCode>(code: Code, params: FixParams<Code>, patches: readonly Patch[] = []): Finding["fix"] => ({
  code,
  params: params as object,
  patches,
});

/** Says findings in a language: the first is the one met first on the way. Nothing found: `null`. */
export function whyOf([first, ...also]: readonly Finding[], language: Language): Why | null {
  return first === undefined ? null : { ...said(first, language), also: also.map((each) => said(each, language)) };
}

function said({ code, params, because, fix: repair }: Finding, language: Language): Omit<Why, "also"> {
  const { why, fix: fixes } = catalogueOf(language);
  const message = (why[code] as (params: object) => string)(params);
  const text = (fixes[repair.code] as (params: object) => string)(repair.params);
  return { code, params, message, because, fix: { text, patches: repair.patches } };
}
