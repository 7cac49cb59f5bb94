/** kiamol/ch03-sleep: an Alpine shell that sleeps, to run network tools from. */
import type { Image } from "./image.ts";
import { alpine } from "./userlands.ts";

export const sleep: Image = {
  names: ["kiamol/ch03-sleep"],
  userland: alpine,
  sizeBytes: 3_416_925,
  entrypoint: [],
  cmd: ["/bin/sh", "-c", "while true; do sleep 30; done"],
};
