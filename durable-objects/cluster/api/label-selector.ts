/**
 * Label selectors: the text of `-l` and `labelSelector=`, and the LabelSelector of the API, both as a list of
 * requirements that all must hold.
 *
 * @see https://kubernetes.io/docs/concepts/overview/working-with-objects/labels/#label-selectors
 */
import { invalid } from "./field-error.ts";
import { labelValue, qualifiedName } from "./names.ts";
import { badRequest } from "./status-error.ts";

export type LabelOperator = "in" | "notin" | "exists" | "!" | "gt" | "lt";

export interface Requirement {
  key: string;
  operator: LabelOperator;
  values: string[];
}

export type Labels = Readonly<Record<string, string>> | undefined;

/** As in the API: `spec.selector` of a Deployment, `podSelector` of a NetworkPolicy. */
export interface LabelSelector {
  matchLabels?: Record<string, string>;
  matchExpressions?: { key: string; operator: string; values?: string[] }[];
}

/** True where every requirement holds; no requirement is met by everything. */
export const matchesRequirements = (requirements: readonly Requirement[], labels: Labels): boolean =>
  requirements.every((requirement) => holds(requirement, labels ?? {}));

function holds({ key, operator, values }: Requirement, labels: Readonly<Record<string, string>>): boolean {
  const has = Object.hasOwn(labels, key);
  const value = has ? (labels[key] as string) : "";
  switch (operator) {
    case "in":
      return has && values.includes(value);
    case "notin":
      return !has || !values.includes(value);
    case "exists":
      return has;
    case "!":
      return !has;
    case "gt":
      return has && isInteger(value) && BigInt(value) > BigInt(values[0] as string);
    case "lt":
      return has && isInteger(value) && BigInt(value) < BigInt(values[0] as string);
    default:
      return operator satisfies never;
  }
}

const isInteger = (text: string): boolean => /^[+-]?\d+$/.test(text);

/** An absent selector matches nothing, an empty one everything. */
export const matchesLabelSelector = (selector: LabelSelector | null | undefined, labels: Labels): boolean =>
  selector !== undefined && selector !== null && matchesRequirements(requirementsOf(selector), labels);

/** A map of labels as selector, as in `spec.selector` of a Service; empty matches everything. */
export const matchesLabelMap = (selector: Labels, labels: Labels): boolean =>
  Object.entries(selector ?? {}).every(([key, value]) => labels !== undefined && Object.hasOwn(labels, key) && labels[key] === value);

const operatorOf: Record<string, LabelOperator> = { In: "in", NotIn: "notin", Exists: "exists", DoesNotExist: "!" };

/** The requirements of a LabelSelector, sorted by key as the server prints them. */
export function requirementsOf(selector: LabelSelector): Requirement[] {
  const requirements: Requirement[] = Object.entries(selector.matchLabels ?? {}).map(([key, value]) => ({
    key,
    operator: "in",
    values: [value],
  }));
  for (const { key, operator, values } of selector.matchExpressions ?? []) {
    const known = operatorOf[operator];
    if (known) requirements.push({ key, operator: known, values: [...(values ?? [])].sort() });
  }
  return requirements.sort((a, b) => (a.key < b.key ? -1 : a.key > b.key ? 1 : 0));
}

/** As in the Selector column: `app=web,tier in (a,b)`; absent and empty are `<none>`. */
export function formatLabelSelector(selector: LabelSelector | null | undefined): string {
  if (!selector) return "<none>";
  const text = formatRequirements(requirementsOf(selector));
  return text === "" ? "<none>" : text;
}

/** As in `status.selector` of a Scale. */
export const formatRequirements = (requirements: readonly Requirement[]): string =>
  requirements
    .map(({ key, operator, values }) => {
      if (operator === "exists") return key;
      if (operator === "!") return `!${key}`;
      if (operator === "gt") return `${key}>${values[0]}`;
      if (operator === "lt") return `${key}<${values[0]}`;
      if (operator === "in" && values.length === 1) return `${key}=${values[0]}`;
      return `${key} ${operator} (${values.join(",")})`;
    })
    .join(",");

/** Reads the text of a selector into a test of labels; the empty text is met by everything. @throws StatusError 400 */
export function parseLabelSelector(text: string): (labels: Labels) => boolean {
  const requirements = parseRequirements(text);
  return (labels) => matchesRequirements(requirements, labels);
}

/**
 * Reads the text of a selector.
 *
 * The grammar: requirements separated by commas; a requirement is `key`, `!key`, `key = value` (also `==`, `!=`, `>`,
 * `<`), `key in (a, b)` or `key notin (a, b)`. White space between tokens is free.
 *
 * @throws StatusError 400 in the words of the server
 */
export function parseRequirements(text: string): Requirement[] {
  return new Parser(text).selector();
}

type Kind = "identifier" | "keyword" | "symbol" | "end";
interface Token {
  kind: Kind;
  text: string;
}

const symbols = new Set([")", ",", "!", "==", "=", "!=", ">", "<", "("]);
const isSymbolCharacter = (character: string): boolean => "=!(),><".includes(character);

function tokensOf(text: string): Token[] {
  const tokens: Token[] = [];
  let at = 0;
  while (at < text.length) {
    const character = text[at] as string;
    if (/[ \t\r\n]/.test(character)) {
      at += 1;
    } else if (isSymbolCharacter(character)) {
      const two = text.slice(at, at + 2);
      const symbol = symbols.has(two) ? two : character;
      tokens.push({ kind: "symbol", text: symbol });
      at += symbol.length;
    } else {
      let end = at;
      while (end < text.length && !isSymbolCharacter(text[end] as string) && !/[ \t\r\n]/.test(text[end] as string)) end += 1;
      const word = text.slice(at, end);
      tokens.push({ kind: word === "in" || word === "notin" ? "keyword" : "identifier", text: word });
      at = end;
    }
  }
  return tokens;
}

const comparisons: Record<string, LabelOperator> = { "=": "in", "==": "in", "!=": "notin", ">": "gt", "<": "lt" };

class Parser {
  readonly #tokens: Token[];
  #at = 0;

  constructor(text: string) {
    this.#tokens = tokensOf(text);
  }

  selector(): Requirement[] {
    const requirements: Requirement[] = [];
    for (;;) {
      const token = this.#peek();
      if (token.kind === "end") return requirements.sort((a, b) => (a.key < b.key ? -1 : a.key > b.key ? 1 : 0));
      if (!startsRequirement(token)) throw badRequest(`found '${token.text}', expected: !, identifier, or 'end of string'`);
      requirements.push(this.#requirement());
      const next = this.#take();
      if (next.kind === "end") continue;
      if (next.text !== ",") throw badRequest(`found '${next.text}', expected: ',' or 'end of string'`);
      const after = this.#peek();
      if (!startsRequirement(after)) throw badRequest(`found '${after.text}', expected: identifier after ','`);
    }
  }

  #requirement(): Requirement {
    let token = this.#take();
    const isNegated = token.kind === "symbol" && token.text === "!";
    if (isNegated) token = this.#take();
    if (token.kind !== "identifier" && token.kind !== "keyword") throw unparsable(`found '${token.text}', expected: identifier`);
    const key = token.text;
    refuseKey(key);
    const next = this.#peek();
    if (isNegated) return { key, operator: "!", values: [] };
    if (next.kind === "end" || next.text === ",") return { key, operator: "exists", values: [] };
    const operator = this.#take();
    const comparison = operator.kind === "symbol" ? comparisons[operator.text] : undefined;
    if (operator.kind !== "keyword" && !comparison) {
      throw unparsable(`found '${operator.text}', expected: in, notin, =, ==, !=, gt, lt`);
    }
    const values = comparison ? [this.#exactValue()] : this.#values();
    const requirement: Requirement = { key, operator: comparison ?? (operator.text as LabelOperator), values: values.sort() };
    refuseValues(requirement);
    return requirement;
  }

  #exactValue(): string {
    const next = this.#peek();
    if (next.kind === "end" || next.text === ",") return "";
    const token = this.#take();
    if (token.kind === "symbol") throw unparsable(`found '${token.text}', expected: identifier`);
    return token.text;
  }

  #values(): string[] {
    const open = this.#take();
    if (open.text !== "(") throw unparsable(`found '${open.text}' expected: '('`);
    const first = this.#peek();
    if (first.text === ")") {
      this.#take();
      return [""];
    }
    if (first.kind === "end" || (first.kind === "symbol" && first.text !== ",")) {
      throw unparsable(`found '${first.text}', expected: ',', ')' or identifier`);
    }
    const values = new Set<string>();
    for (;;) {
      const token = this.#take();
      const next = this.#peek();
      if (token.kind === "identifier" || token.kind === "keyword") {
        values.add(token.text);
        if (next.text === ")") break;
        if (next.text !== ",") throw unparsable(`found '${next.text}', expected: ',' or ')'`);
      } else if (token.text === ",") {
        if (values.size === 0) values.add("");
        if (next.text === ")" || next.text === ",") values.add("");
        if (next.text === ")") break;
        if (next.text === ",") this.#take();
      } else throw unparsable(`found '${token.text}', expected: ',', or identifier`);
    }
    this.#take();
    return [...values];
  }

  #peek(): Token {
    return this.#tokens[this.#at] ?? { kind: "end", text: "" };
  }

  #take(): Token {
    const token = this.#peek();
    this.#at += 1;
    return token;
  }
}

const startsRequirement = (token: Token): boolean => token.kind === "identifier" || token.kind === "keyword" || token.text === "!";

const unparsable = (because: string) => badRequest(`unable to parse requirement: ${because}`);

/** Several complaints stand in brackets, as the server joins them. */
const joined = (complaints: string[]): string => (complaints.length === 1 ? (complaints[0] as string) : `[${complaints.join(", ")}]`);

function refuseKey(key: string): void {
  const complaints = qualifiedName(key);
  if (complaints.length > 0) throw unparsable(`<nil>: ${invalid("", key, complaints.join("; ")).message}`);
}

function refuseValues({ key, operator, values }: Requirement): void {
  if (operator === "gt" || operator === "lt") {
    const [value = ""] = values;
    if (!isInteger(value)) {
      throw unparsable(`values[0]: ${invalid("", value, "for 'Gt', 'Lt' operators, the value must be an integer").message}`);
    }
  }
  const complaints = values.flatMap((value, at) => {
    const about = labelValue(value);
    return about.length === 0 ? [] : [`values[${at}][${key}]: ${invalid("", value, about.join("; ")).message}`];
  });
  if (complaints.length > 0) throw unparsable(joined(complaints));
}
