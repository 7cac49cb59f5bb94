/**
 * Where a Corefile sends names outside the cluster, and the same file with another place.
 */
import { CorefileError, parseCorefile } from "./corefile.ts";

/** The targets of `forward .`, as written; none where nothing is forwarded or the file cannot be read. */
export function forwardTargets(text: string): readonly string[] {
  return forwardOf(text)?.args.slice(1) ?? [];
}

/** Replaces the targets of `forward .`; everything else stays as it is, to the letter. */
export function withForwardTarget(text: string, target: string): string {
  const line = forwardOf(text)?.line;
  if (line === undefined) return text;
  const lines = text.split("\n");
  lines[line - 1] = lines[line - 1]!.replace(
    /^(\s*forward\s+\S+\s+).*?(\s*\{)?\s*$/,
    (_, head: string, brace = "") => `${head}${target}${brace}`,
  );
  return lines.join("\n");
}

function forwardOf(text: string) {
  try {
    return parseCorefile(text)
      .flatMap(({ directives }) => directives)
      .find(({ name, args }) => name === "forward" && args[0] === ".");
  } catch (error) {
    if (error instanceof CorefileError) return undefined;
    throw error;
  }
}
