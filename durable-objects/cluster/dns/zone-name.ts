/**
 * Zones as the server compares them: absolute and in lower case. Which of several a name lies in.
 */
import { absolute, foldCase } from "../api/domain-names.ts";

/** A zone as written in a Corefile. */
export const zoneName = (text: string): string => foldCase(absolute(text));

export const zoneNames = (texts: readonly string[], otherwise: string): string[] =>
  texts.length === 0 ? [otherwise] : texts.map(zoneName);

/** The longest of the zones that the name lies in. */
export function zoneAround(name: string, zones: readonly string[]): string | undefined {
  const folded = foldCase(name);
  let longest: string | undefined;
  for (const zone of zones) if (isWithin(folded, zone) && zone.length > (longest?.length ?? 0)) longest = zone;
  return longest;
}

/** Both absolute and in lower case. An escaped dot separates nothing. */
function isWithin(name: string, zone: string): boolean {
  if (zone === "." || name === zone) return true;
  const dotAt = name.length - zone.length - 1;
  if (!name.endsWith(zone) || name.charAt(dotAt) !== ".") return false;
  const escapes = /\\+$/.exec(name.slice(0, dotAt));
  return escapes === null || escapes[0].length % 2 === 0;
}

export const isReverse = (zone: string): boolean => /(^|\.)(in-addr|ip6)\.arpa\.$/.test(zone);
