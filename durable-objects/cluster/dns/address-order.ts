/**
 * The order in which a program tries the addresses of a name: RFC 6724, as far as it depends on families and ranges.
 * Addresses that rank alike keep the server's order.
 *
 * @see https://www.rfc-editor.org/rfc/rfc6724#section-6
 */
import { parseAddress } from "../api/dns-address.ts";
import type { Libc } from "./libc.ts";

/** @param families of the addresses that the sender has itself; without a source of its family an address comes last */
export function orderForUse(addresses: readonly string[], families: readonly ("IPv4" | "IPv6")[], libc: Libc): string[] {
  const rank = (text: string): number => {
    const family = parseAddress(text)?.family ?? "IPv4";
    return (families.includes(family) ? 1000 : 0) + precedence(text, family, libc);
  };
  return addresses
    .map((text, index) => ({ text, index, rank: rank(text) }))
    .sort((a, b) => b.rank - a.rank || a.index - b.index)
    .map(({ text }) => text);
}

/** glibc keeps the table of the older RFC 3484, where unique local addresses count as any other IPv6. */
function precedence(text: string, family: "IPv4" | "IPv6", libc: Libc): number {
  if (family === "IPv4") return libc.name === "glibc" ? 10 : 35;
  if (text === "::1") return 50;
  return libc.name === "musl" && /^f[cd]/i.test(text) ? 3 : 40;
}
