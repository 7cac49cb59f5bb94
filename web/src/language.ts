/** The page's language: from the address, else the stored choice, else the browser's. */
import { signal } from "@preact/signals";
import { en } from "./messages/en.ts";
import { ko } from "./messages/ko.ts";

export type Language = "en" | "ko";

const known = (value: string | null | undefined): Language | undefined => (value === "en" || value === "ko" ? value : undefined);

export const language = signal<Language>(
  known(new URLSearchParams(location.search).get("lang")) ??
    known(localStorage.getItem("kubearium-lang")) ??
    (navigator.language.startsWith("ko") ? "ko" : "en"),
);

export function chooseLanguage(chosen: Language): void {
  language.value = chosen;
  localStorage.setItem("kubearium-lang", chosen);
  const address = new URL(location.href);
  address.searchParams.set("lang", chosen);
  history.replaceState(null, "", address);
  document.documentElement.lang = chosen;
}

/** A word of the page with its places filled in. */
export function say(key: keyof typeof en, values: Record<string, string | number> = {}): string {
  const text: string = (language.value === "ko" ? ko : en)[key];
  return text.replace(/\{(\w+)\}/g, (whole, name: string) => String(values[name] ?? whole));
}
