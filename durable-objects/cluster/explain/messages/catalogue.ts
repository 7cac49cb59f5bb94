/**
 * One catalogue in every language: the same keys with the same parameters, or it does not compile.
 */
import type { RuleRole } from "../../kube-proxy/rule-set.ts";
import type { HopCode } from "../../network/way.ts";
import { en } from "./en.ts";
import { ko } from "./ko.ts";

type AnyMessage = (params: never) => string;

/** The shape of `en`, with any sentence in place of its own. */
export type Catalogue = {
  [Group in keyof typeof en]: {
    [Code in keyof (typeof en)[Group]]: (typeof en)[Group][Code] extends AnyMessage
      ? (params: Parameters<(typeof en)[Group][Code]>[0]) => string
      : never;
  };
};

export type Language = "en" | "ko";
export type WhyCode = keyof Catalogue["why"];
export type FixCode = keyof Catalogue["fix"];
export type WhyParams<Code extends WhyCode> = Parameters<Catalogue["why"][Code]>[0];
export type FixParams<Code extends FixCode> = Parameters<Catalogue["fix"][Code]>[0];

const catalogues: Record<Language, Catalogue> = { en, ko };

/** Every hop and every rule has its sentence; a new code without one does not compile. */
en.hop satisfies Record<HopCode, AnyMessage>;
en.rule satisfies Record<RuleRole, AnyMessage>;

export const languages = Object.keys(catalogues) as Language[];

export const catalogueOf = (language: Language): Catalogue => catalogues[language];

/** Says a code whose parameters come from another room, where its type is not known any more. */
export function sentence(language: Language, group: "hop" | "rule", code: string, params: object): string {
  const say = (catalogues[language][group] as Record<string, ((params: object) => string) | undefined>)[code];
  if (say === undefined) throw new Error(`explain: no ${group} sentence for ${code}`);
  return say(params);
}
