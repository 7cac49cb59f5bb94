/** yes: writes without end, which here is after half a mebibyte. */
import { endlessOutput } from "./endless.ts";
import type { Pausing, Tool } from "./tool.ts";

const chunkBytes = 64 * 1024;

export const yes: Tool = function* (context): Pausing {
  const line = `${context.argv.slice(1).join(" ") || "y"}\n`;
  const chunk = line.repeat(Math.max(1, Math.floor(chunkBytes / line.length)));
  for (let written = 0; written < endlessOutput.bytes; written += chunk.length) {
    context.out(chunk);
    if (!(yield 0)) return 130;
  }
  context.err(endlessOutput.words);
  return 141;
};
