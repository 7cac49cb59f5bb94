/**
 * Domain names in presentation form: labels separated by dots, an octet inside a label escaped as `\.` or `\DDD`.
 *
 * Labels keep their escapes; nothing here turns a name into octets, only counts them.
 *
 * @see https://www.rfc-editor.org/rfc/rfc4343 for case folding
 */

const maxLabelOctets = 63;
/** Length octets and the root included. */
const maxNameOctets = 255;

/** Labels from left to right, escapes kept; the root has none. */
export function labelsOf(name: string): string[] {
  const labels: string[] = [];
  let label = "";
  for (let at = 0; at < name.length; at += 1) {
    const char = name.charAt(at);
    if (char === "\\") {
      const octet = /^\\(\d{3}|.)/s.exec(name.slice(at))?.[0] ?? char;
      label += octet;
      at += octet.length - 1;
    } else if (char === ".") {
      if (label !== "") labels.push(label);
      label = "";
    } else {
      label += char;
    }
  }
  if (label !== "") labels.push(label);
  return labels;
}

/** The absolute name of labels: each followed by a dot, the root alone is `.`. */
export const nameOf = (labels: readonly string[]): string => (labels.length === 0 ? "." : `${labels.join(".")}.`);

/** Puts the final dot to a name that lacks it. An escaped dot at the end belongs to its label. */
export const absolute = (name: string): string => (name === "" ? "." : isAbsolute(name) ? name : `${name}.`);

export const isAbsolute = (name: string): boolean => /(^|[^\\])(\\\\)*\.$/.test(name);

/** Cuts the final dot off, as tools print names. */
export const relative = (name: string): string => (name !== "." && isAbsolute(name) ? name.slice(0, -1) : name);

/** ASCII letters only: other octets differ when their case differs. */
export const foldCase = (text: string): string => text.replace(/[A-Z]+/g, (letters) => letters.toLowerCase());

export const sameName = (a: string, b: string): boolean => foldCase(absolute(a)) === foldCase(absolute(b));

/** Octets of a label without its length octet. Letters outside ASCII count as UTF-8, which is what resolvers send. */
export function labelOctets(label: string): number {
  let octets = 0;
  for (const [piece] of label.matchAll(/\\\d{3}|\\.|./gsu)) octets += piece.startsWith("\\") ? 1 : utf8Octets(piece.codePointAt(0) ?? 0);
  return octets;
}

const utf8Octets = (codePoint: number): number => (codePoint < 0x80 ? 1 : codePoint < 0x800 ? 2 : codePoint < 0x10000 ? 3 : 4);

/** Octets of a name on the wire, uncompressed. */
export const nameOctets = (name: string): number => labelsOf(name).reduce((sum, label) => sum + 1 + labelOctets(label), 1);

/** Why a name cannot be put on the wire; `undefined`: it can. */
export function nameProblem(name: string): "empty-label" | "label-too-long" | "name-too-long" | undefined {
  if (/^\.(?!$)|(^|[^\\])(\\\\)*\.\./.test(name)) return "empty-label";
  if (labelsOf(name).some((label) => labelOctets(label) > maxLabelOctets)) return "label-too-long";
  return nameOctets(name) > maxNameOctets ? "name-too-long" : undefined;
}
