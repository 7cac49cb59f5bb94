/**
 * Regular expressions of a Corefile. The real server's never backtrack; ours may, so that only patterns are taken whose
 * worst case on a name of 255 octets stays small.
 *
 * @see https://pkg.go.dev/regexp/syntax
 */

export type GoRegexp =
  | { regexp: RegExp }
  /** The real server would not start. */
  | { problem: string }
  /** The real server would take it. */
  | { tooCostly: string };

const limits = { characters: 512, unboundedRepeats: 4 } as const;

export function goRegexp(pattern: string): GoRegexp {
  const perlOnly = /\(\?(?:[=!]|<[=!])|\\[1-9]|\(\?>/.exec(pattern.replaceAll("\\\\", ""))?.[0];
  if (perlOnly !== undefined) return { problem: `invalid or unsupported Perl syntax: \`${perlOnly}\`` };
  if (pattern.length > limits.characters) return { tooCostly: `longer than ${limits.characters} characters` };
  if (repeatsOfRepeats(pattern)) return { tooCostly: "repeats what is itself repeated or a choice" };
  if (unboundedRepeats(pattern) > limits.unboundedRepeats) return { tooCostly: `more than ${limits.unboundedRepeats} unbounded repeats` };
  const [, flags = "", rest = ""] = /^(?:\(\?([ims]+)\))?(.*)$/s.exec(pattern) ?? [];
  try {
    return { regexp: new RegExp(rest.replaceAll("(?P<", "(?<").replaceAll("\\z", "$").replaceAll("\\A", "^"), flags) };
  } catch {
    return { problem: `error parsing regexp: \`${pattern}\`` };
  }
}

/** Escapes and character classes out of the way, so that what is left is structure. */
const structureOf = (pattern: string): string => pattern.replace(/\\./gs, "x").replace(/\[\^?\]?[^\]]*\]/g, "x");

const unboundedRepeats = (pattern: string): number => structureOf(pattern).match(/[*+]|\{\d+,\}/g)?.length ?? 0;

/** A group that is repeated and holds a repeat or a choice: what makes backtracking exponential. */
function repeatsOfRepeats(pattern: string): boolean {
  let text = structureOf(pattern).replaceAll(/\(\?(?:P?<\w+>|:|[ims]+\)?)/g, "(");
  for (;;) {
    const group = /\(([^()]*)\)([*+?]|\{\d+(?:,\d*)?\})?/.exec(text);
    if (group === null) return false;
    const [whole, inside = "", repeat = ""] = group;
    const risky = /[*+|]|\{\d+,/.test(inside);
    if (risky && /^[*+{]/.test(repeat)) return true;
    // An inner repeat stays one in the eyes of the groups around it.
    text = text.replace(whole, risky ? "y*" : "y");
  }
}
