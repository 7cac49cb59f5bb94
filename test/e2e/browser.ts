/** A real Chromium from npm, for tests that look at the page as a person does. */
import chromium from "@sparticuz/chromium";
import { type Browser, chromium as playwright } from "playwright-core";

/** Flags beyond the package's own: no background traffic, because nothing outside this machine answers. */
const quiet = ["--disable-background-networking", "--disable-component-update", "--disable-sync", "--no-first-run", "--disable-quic"];

export async function openBrowser(): Promise<Browser> {
  return playwright.launch({ executablePath: await chromium.executablePath(), args: [...chromium.args, ...quiet], headless: true });
}
