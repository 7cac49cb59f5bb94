/**
 * The numbers behind the names of record types, classes and response codes.
 *
 * @see https://www.iana.org/assignments/dns-parameters/
 */

const types: Readonly<Record<string, number>> = {
  A: 1,
  NS: 2,
  CNAME: 5,
  SOA: 6,
  PTR: 12,
  HINFO: 13,
  MX: 15,
  TXT: 16,
  AAAA: 28,
  LOC: 29,
  SRV: 33,
  NAPTR: 35,
  DNAME: 39,
  OPT: 41,
  DS: 43,
  SSHFP: 44,
  RRSIG: 46,
  NSEC: 47,
  DNSKEY: 48,
  NSEC3: 50,
  TLSA: 52,
  SVCB: 64,
  HTTPS: 65,
  SPF: 99,
  IXFR: 251,
  AXFR: 252,
  ANY: 255,
  CAA: 257,
};
const classes: Readonly<Record<string, number>> = { IN: 1, CH: 3, HS: 4, NONE: 254, ANY: 255 };
const rcodes: Readonly<Record<string, number>> = { NOERROR: 0, FORMERR: 1, SERVFAIL: 2, NXDOMAIN: 3, NOTIMP: 4, REFUSED: 5, BADVERS: 16 };

const inverted = (names: Readonly<Record<string, number>>): ReadonlyMap<number, string> =>
  new Map(Object.entries(names).map(([name, number]) => [number, name]));

const typesByNumber = inverted(types);
const classesByNumber = inverted(classes);

/** Types and classes without a name are written `TYPE65280` and `CLASS7` (RFC 3597). */
export const typeName = (number: number): string => typesByNumber.get(number) ?? `TYPE${number}`;
export const className = (number: number): string => classesByNumber.get(number) ?? `CLASS${number}`;

/** `undefined` for a text that names no type. Also takes the number itself. */
export function typeNumber(name: string): number | undefined {
  const number = types[name.toUpperCase()] ?? Number(/^(?:TYPE)?(\d{1,5})$/i.exec(name)?.[1] ?? Number.NaN);
  return number >= 0 && number <= 0xffff ? number : undefined;
}

export const classNumber = (name: string): number => classes[name] ?? Number(name.replace(/^CLASS/, ""));

export function rcodeNumber(name: string): number {
  const number = rcodes[name];
  if (number === undefined) throw new Error(`no number for the response code ${name}`);
  return number;
}
