/**
 * Reads the times of the API as Go's `time.Parse` does, with its errors, and writes them as the server stores them: UTC,
 * whole seconds for `Time`, six decimals for `MicroTime`.
 */

const layouts = {
  time: "2006-01-02T15:04:05Z07:00",
  microTime: "2006-01-02T15:04:05.000000Z07:00",
} as const;

class TimeReader {
  rest: string;
  readonly text: string;
  readonly layout: string;
  constructor(text: string, layout: string) {
    this.text = text;
    this.rest = text;
    this.layout = layout;
  }

  failAs(element: string, rest = this.rest): never {
    throw new Error(`parsing time ${goQuote(this.text)} as ${goQuote(this.layout)}: cannot parse ${goQuote(rest)} as ${goQuote(element)}`);
  }

  outOfRange(what: string): never {
    throw new Error(`parsing time ${goQuote(this.text)}: ${what} out of range`);
  }

  take(pattern: RegExp, element: string): string {
    const match = pattern.exec(this.rest);
    if (match === null) this.failAs(element);
    this.rest = this.rest.slice(match[0].length);
    return match[0];
  }

  /** A two-digit number within bounds. */
  number(element: string, least: number, most: number, name: string, pattern = /^\d\d/): number {
    const value = Number(this.take(pattern, element));
    if (value < least || value > most) this.outOfRange(name);
    return value;
  }

  literal(text: string): void {
    if (!this.rest.startsWith(text)) this.failAs(text);
    this.rest = this.rest.slice(text.length);
  }
}

/** Go's `%q` for text without control characters. */
export const goQuote = (text: string): string => JSON.stringify(text);

/** Minutes east of UTC. */
function zone(reader: TimeReader): number {
  if (reader.rest.startsWith("Z")) {
    reader.rest = reader.rest.slice(1);
    return 0;
  }
  const match = /^([+-])(\d\d):(\d\d)/.exec(reader.rest);
  if (match === null) reader.failAs("Z07:00");
  reader.rest = reader.rest.slice(6);
  if (Number(match[2]) > 24) reader.outOfRange("time zone offset hour");
  if (Number(match[3]) > 60) reader.outOfRange("time zone offset minute");
  const minutes = Number(match[2]) * 60 + Number(match[3]);
  return match[1] === "-" ? -minutes : minutes;
}

function daysIn(year: number, month: number): number {
  const leap = year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0);
  return [31, leap ? 29 : 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31][month - 1] as number;
}

/** The time in the server's spelling. Throws an `Error` with Go's message. */
export function canonicalTime(text: string, kind: "time" | "microTime"): string {
  const reader = new TimeReader(text, layouts[kind]);
  const year = Number(reader.take(/^\d{4}/, "2006"));
  reader.literal("-");
  const month = reader.number("01", 1, 12, "month");
  reader.literal("-");
  const day = Number(reader.take(/^\d\d/, "02"));
  reader.literal("T");
  const hour = reader.number("15", 0, 23, "hour", /^\d\d?/);
  reader.literal(":");
  const minute = reader.number("04", 0, 59, "minute");
  reader.literal(":");
  const second = reader.number("05", 0, 59, "second");
  const fraction = kind === "time" ? (/^[.,]\d+/.exec(reader.rest)?.[0] ?? "") : reader.take(/^[.,]\d{6}/, ".000000");
  if (kind === "time") reader.rest = reader.rest.slice(fraction.length);
  const offset = zone(reader);
  if (reader.rest !== "") throw new Error(`parsing time ${goQuote(text)}: extra text: ${goQuote(reader.rest)}`);
  if (day < 1 || day > daysIn(year, month)) reader.outOfRange("day");
  const date = new Date(0);
  date.setUTCFullYear(year, month - 1, day);
  date.setUTCHours(hour, minute - offset, second);
  const seconds = date.toISOString().slice(0, 19);
  return kind === "time" ? `${seconds}Z` : `${seconds}.${fraction.slice(1)}Z`;
}
