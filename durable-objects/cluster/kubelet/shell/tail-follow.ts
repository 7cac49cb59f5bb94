/** `tail -f`: the end of a file, and what is added to it while somebody watches. The plain tail is the shell's own. */
import { hasOption, optionValue, type Pausing, readOptions, type ToolContext } from "./tool.ts";

const pauseMs = 1000;
/** Nobody watches a file for longer than this. */
const maxLooks = 4 * 3600;

/** @returns undefined where the words ask for no following */
export function followedTail(argv: readonly string[]): ((context: ToolContext) => Pausing) | undefined {
  const options = readOptions(argv.slice(1), { short: "fFn:c:qvs:", long: ["follow", "lines:"] });
  if (options.problem || options.operands.length !== 1 || !hasOption(options, "f", "F", "follow")) return undefined;
  const lines = Math.abs(Number(optionValue(options, "n", "lines") ?? 10));
  const [file = ""] = options.operands;
  return function* (context) {
    const { files, cwd } = context;
    const path = files.resolvePath(cwd, file);
    const content = files.read(path);
    if (!content) {
      context.err(`tail: can't open '${file}': No such file or directory\ntail: no files\n`);
      return 1;
    }
    const text = new TextDecoder().decode(content);
    const all = text.split("\n");
    const shown = all.slice(Math.max(0, all.length - lines - (text.endsWith("\n") ? 1 : 0)));
    context.out(shown.join("\n"));
    let seen = content.length;
    for (let look = 0; look < maxLooks; look += 1) {
      if (!(yield pauseMs)) return 130;
      const now = files.read(path) ?? new Uint8Array();
      // A file that got shorter was written anew.
      if (now.length < seen) seen = 0;
      if (now.length > seen) context.out(now.slice(seen));
      seen = now.length;
    }
    return 0;
  };
}
