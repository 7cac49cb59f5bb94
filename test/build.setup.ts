/** Builds `dist` once before the tests: the end-to-end tests run what `npm start` runs. Does nothing when it is current. */
import { execFileSync } from "node:child_process";
import { join } from "node:path";

export default function setup(): void {
  execFileSync(process.execPath, [join(import.meta.dirname, "..", "scripts", "build.mjs"), "--quiet"], {
    stdio: ["ignore", "inherit", "inherit"],
  });
}
