/**
 * Before all tests: builds `dist`, because the end-to-end tests run what `npm start` runs, and unpacks the real programs, so
 * that no test runs one that another is still writing. Does nothing where all is there.
 */
import { execFileSync } from "node:child_process";
import { join } from "node:path";
import { binary } from "./e2e/kubectl.ts";

export default function setup(): void {
  execFileSync(process.execPath, [join(import.meta.dirname, "..", "scripts", "build.mjs"), "--quiet"], {
    stdio: ["ignore", "inherit", "inherit"],
  });
  binary("kubectl", "30");
  binary("kubectl", "35");
  binary("helm", "35");
}
