/** The page in a real browser, while kubectl changes the cluster from outside. */
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { openBrowser } from "./browser.ts";
import { shell } from "./kubectl.ts";
import { type RunningServer, startServer } from "./server.ts";

const manifests = join(import.meta.dirname, "..", "..", "examples", "chapter");
const shots = join(import.meta.dirname, "..", ".cache", "screenshots");

describe("the page", () => {
  let server: RunningServer;
  let browser: Browser;
  let page: Page;
  let kubeconfig: string;
  const complaints: string[] = [];
  const kubectl = async (line: string): Promise<string> => {
    const { stdout, stderr, code } = await shell(`kubectl ${line}`, kubeconfig, "35", { cwd: manifests });
    expect(code, `kubectl ${line}: ${stderr}`).toBe(0);
    return stdout.trim();
  };

  beforeAll(async () => {
    mkdirSync(shots, { recursive: true });
    [server, browser] = await Promise.all([startServer(), openBrowser()]);
    kubeconfig = await server.kubeconfig();
    await kubectl("apply -f sleep/ -f numbers/api.yaml -f numbers/web.yaml -f numbers/api-service.yaml");
    await kubectl("wait --for=condition=Ready pod --all --timeout=20s");
    page = await browser.newPage({ viewport: { width: 1440, height: 900 } });
    page.on("console", (message) => message.type() === "error" && complaints.push(message.text()));
    page.on("pageerror", (error) => complaints.push(String(error)));
    page.on(
      "request",
      (request) =>
        !request.url().startsWith(server.url) && !request.url().startsWith("data:") && complaints.push(`left the origin: ${request.url()}`),
    );
    await page.goto(`${server.url}/s/demo/`);
  });
  afterAll(async () => {
    await browser?.close();
    await server?.stop();
  });

  it("shows Services, endpoints, nodes and pods, and says that it is live", async () => {
    expect(page.url()).toContain("/s/demo/ui/");
    await page.getByRole("status").getByText("Live").waitFor();
    await page.getByText("node-2", { exact: true }).waitFor();
    const pod = await kubectl("get pods -l app=numbers-api -o jsonpath='{.items[0].metadata.name}'");
    await page.locator(`[data-pod="${pod}"].ready`).waitFor();
    await page.locator(".service", { hasText: "numbers-api" }).getByText("1 of 1 ready").waitFor();
    expect(await page.getByLabel("Command").inputValue()).toBe("curl http://numbers-api");
  });

  it("shows a deleted pod's successor within two seconds", async () => {
    const pod = await kubectl("get pods -l app=numbers-api -o jsonpath='{.items[0].metadata.name}'");
    const address = await kubectl("get pods -l app=numbers-api -o jsonpath='{.items[0].status.podIP}'");
    await kubectl("delete pod -l app=numbers-api --wait=false");
    const successor = page.locator('[data-pod^="numbers-api-"].ready').and(page.locator(`:not([data-pod="${pod}"])`));
    await successor.waitFor({ timeout: 2000 });
    expect(await successor.locator(".address").textContent()).not.toBe(address);
  });

  it("follows a request hop by hop", async () => {
    const web = await kubectl("get pods -l app=numbers-web -o jsonpath='{.items[0].metadata.name}'");
    await page.getByLabel("From").selectOption(`default/${web}`);
    await page.getByLabel("Command").fill("curl http://numbers-api/rng");
    await page.getByRole("button", { name: "Send" }).click();
    await page.locator(".verdict", { hasText: "200 from pod" }).waitFor();
    expect(await page.locator(".hops > li").count()).toBe(9);
    await page.locator(".hops > li").nth(5).getByRole("button").click();
    await page.locator(".detail pre", { hasText: "-A KUBE-" }).waitFor();
    await page.screenshot({ path: join(shots, "first-page-light.png") });
  });

  it("says why a ping to a Service gets no reply, in both languages", async () => {
    await page.getByLabel("Command").fill("ping sleep-2");
    await page.getByRole("button", { name: "Send" }).click();
    await page.getByText("ICMP", { exact: false }).first().waitFor();
    await page.screenshot({ path: join(shots, "first-page-ping.png") });
    await page.getByRole("button", { name: "한국어" }).click();
    await page.getByRole("button", { name: "보내기" }).click();
    await page.getByText("응답 없음", { exact: false }).first().waitFor();
    await page.screenshot({ path: join(shots, "first-page-korean.png") });
    await page.getByRole("button", { name: "English" }).click();
  });

  it("fits a narrow screen without scrolling sideways", async () => {
    await page.setViewportSize({ width: 390, height: 844 });
    expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(390);
    await page.getByRole("button", { name: "Dark" }).click();
    await page.screenshot({ path: join(shots, "first-page-narrow-dark.png"), fullPage: true });
  });

  it("asks nothing outside its own origin and writes no error to the console", () => {
    expect(complaints).toEqual([]);
  });
});
