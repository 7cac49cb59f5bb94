/**
 * Field selectors: the text of `--field-selector` and `fieldSelector=`. Which fields a kind lets one select by is in
 * its strategy; here are the grammar, the escapes and what the server says.
 *
 * @see https://kubernetes.io/docs/concepts/overview/working-with-objects/field-selectors/
 */
import type { KubeObject } from "./objects.ts";
import { badRequest } from "./status-error.ts";

export interface FieldRequirement {
  field: string;
  operator: "=" | "!=";
  value: string;
}

/**
 * Reads `a=b,c!=d`. Empty parts between commas are fine, spaces belong to the names, `\` escapes `,`, `=` and itself.
 *
 * @throws StatusError 400 in the words of the server
 */
export function parseFieldSelector(text: string): FieldRequirement[] {
  return splitAtCommas(text)
    .filter((part) => part !== "")
    .map((part) => {
      const match = /^(.*?)(!=|==|=)(.*)$/s.exec(part);
      if (!match) throw badRequest(`invalid selector: '${text}'; can't understand '${part}'`);
      const [, field = "", operator, value = ""] = match;
      return { field, operator: operator === "!=" ? "!=" : "=", value: unescaped(value) };
    });
}

function splitAtCommas(text: string): string[] {
  const parts: string[] = [];
  let start = 0;
  for (let at = 0; at < text.length; at += 1) {
    if (text[at] === "\\") at += 1;
    else if (text[at] === ",") {
      parts.push(text.slice(start, at));
      start = at + 1;
    }
  }
  return [...parts, text.slice(start)];
}

function unescaped(value: string): string {
  let result = "";
  for (let at = 0; at < value.length; at += 1) {
    const character = value[at] as string;
    if (character === "\\") {
      const next = value[at + 1] ?? "";
      if (!["\\", ",", "="].includes(next)) throw badRequest(`invalid field selector: invalid escape sequence: \\${next}`);
      result += next;
      at += 1;
    } else if (character === "," || character === "=") {
      throw badRequest(`invalid field selector: unescaped character in value: ${character.charCodeAt(0)}`);
    } else result += character;
  }
  return result;
}

/** What a kind offers to select by, beyond its name and namespace: field -> value. */
export type SelectableFields<T> = Record<string, (object: T) => string>;

/**
 * Reads the text of a selector into a test of objects of one kind.
 *
 * @throws StatusError 400 where the text is no selector, or names a field that the kind does not offer
 */
export function fieldSelectorFor<T extends KubeObject>(
  of: { selectableFields?: SelectableFields<T> },
  text: string,
): (object: T) => boolean {
  const own = of.selectableFields;
  const tests = parseFieldSelector(text).map(({ field, operator, value }) => {
    const read = readerOf(own, field);
    return (object: T) => (read(object) === value) === (operator === "=");
  });
  return (object) => tests.every((test) => test(object));
}

function readerOf<T extends KubeObject>(own: SelectableFields<T> | undefined, field: string): (object: T) => string {
  if (field === "metadata.name") return (object) => object.metadata.name;
  if (field === "metadata.namespace") return (object) => object.metadata.namespace ?? "";
  const read = own?.[field];
  if (read) return read;
  throw badRequest(
    own
      ? `field label not supported: ${field}`
      : `${JSON.stringify(field)} is not a known field selector: only "metadata.name", "metadata.namespace"`,
  );
}
