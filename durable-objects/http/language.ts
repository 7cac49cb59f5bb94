/** The language of sentences in an answer: `?lang=`, else `Accept-Language`, else English. */
import type { Context } from "hono";
import { type Language, languages } from "../cluster/explain/messages/catalogue.ts";

export function languageOf(c: Context, asked: string | undefined = c.req.query("lang")): Language {
  const wanted = asked === undefined ? byPreference(c.req.header("accept-language") ?? "") : [asked];
  return wanted.map((tag) => tag.toLowerCase().split("-")[0]).find((tag): tag is Language => languages.includes(tag as Language)) ?? "en";
}

/** `ko-KR;q=0.8, en` -> `en`, `ko-KR` */
function byPreference(header: string): string[] {
  return header
    .split(",")
    .map((part) => {
      const [tag = "", quality] = part.trim().split(/\s*;\s*q=/);
      return { tag, quality: quality === undefined ? 1 : Number(quality) || 0 };
    })
    .filter(({ quality }) => quality > 0)
    .sort((a, b) => b.quality - a.quality)
    .map(({ tag }) => tag);
}
