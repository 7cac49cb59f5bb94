/** The sentence of a hop: every picture has one, with the same numbers as the evidence. */
import type { Hop } from "../api/network.ts";
import { type Language, sentence } from "./messages/catalogue.ts";

export function hopSentence({ code, params, evaluated = [] }: Hop, language: Language): string {
  const skipped = evaluated.flatMap(({ line, because, draw, below }) =>
    because === "draw" && draw !== undefined && below !== undefined ? [{ line, draw, below }] : [],
  );
  return sentence(language, "hop", code, { ...params, skipped });
}
