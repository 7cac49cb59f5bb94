/**
 * What the data of a record consists of on the wire: from its presentation form to numbers, addresses, names and strings.
 *
 * Sizes are counted from these fields (`message-size.ts`) and octets written from them (`http/dns-wire.ts`), so that
 * both agree.
 *
 * @see https://www.rfc-editor.org/rfc/rfc1035#section-3.3
 * @see https://www.rfc-editor.org/rfc/rfc3597 for types without a format of their own
 */
import { addressOctets } from "../api/dns-address.ts";
import { absolute } from "../api/domain-names.ts";

export type RdataField =
  | { kind: "number"; octets: 2 | 4; value: number }
  | { kind: "octets"; octets: readonly number[] }
  /** `compressible`: a pointer may stand for its end. Only the types of RFC 1035 allow that; SRV does not. */
  | { kind: "name"; name: string; compressible: boolean }
  /** A length octet and up to 255 octets, in presentation form without the quotes. */
  | { kind: "string"; octets: readonly number[] };

const number16 = (text: string | undefined): RdataField => ({ kind: "number", octets: 2, value: Number(text) });
const number32 = (text: string | undefined): RdataField => ({ kind: "number", octets: 4, value: Number(text) });
const compressibleName = (text: string | undefined): RdataField => ({ kind: "name", name: absolute(text ?? "."), compressible: true });

/**
 * @throws Error if a type has neither a format here nor data in the generic form `\# 4 0a000001`; then whoever made the
 * record broke the assumption that it can be sent
 */
export function rdataFields(type: string, data: string): RdataField[] {
  const words = data.split(/\s+/);
  switch (type) {
    case "A":
    case "AAAA":
      return [{ kind: "octets", octets: addressOctets(data) }];
    case "CNAME":
    case "NS":
    case "PTR":
      return [compressibleName(data)];
    case "MX":
      return [number16(words[0]), compressibleName(words[1])];
    case "SRV":
      return [
        number16(words[0]),
        number16(words[1]),
        number16(words[2]),
        { kind: "name", name: absolute(words[3] ?? "."), compressible: false },
      ];
    case "SOA":
      return [compressibleName(words[0]), compressibleName(words[1]), ...words.slice(2, 7).map(number32)];
    case "TXT":
      return characterStrings(data).map((octets) => ({ kind: "string", octets }));
    default:
      return [genericData(type, data)];
  }
}

function genericData(type: string, data: string): RdataField {
  const generic = /^\\#\s+(\d+)\s*([0-9a-fA-F\s]*)$/.exec(data);
  if (generic === null) throw new Error(`no wire format for a record of type ${type} with data ${JSON.stringify(data)}`);
  const octets = (generic[2] ?? "").replace(/\s+/g, "").match(/../g) ?? [];
  return { kind: "octets", octets: octets.map((octet) => Number.parseInt(octet, 16)) };
}

/** The strings of a TXT record: quoted, or separated by blanks; octets escaped as in names. */
export function characterStrings(data: string): number[][] {
  const strings = data.match(/"(?:\\.|[^"\\])*"|\S+/gs) ?? [];
  return strings.map((string) => octetsOf(string.startsWith('"') ? string.slice(1, -1) : string));
}

/** A string as TXT data writes it: in quotes, with `"`, `\` and octets outside ASCII escaped. */
export const quoted = (octets: readonly number[]): string => {
  const text = octets.map((octet) => {
    if (octet === 0x22 || octet === 0x5c) return `\\${String.fromCharCode(octet)}`;
    return octet >= 0x20 && octet < 0x7f ? String.fromCharCode(octet) : `\\${String(octet).padStart(3, "0")}`;
  });
  return `"${text.join("")}"`;
};

const utf8 = new TextEncoder();

/** Octets of a label or string in presentation form. */
export function octetsOf(text: string): number[] {
  return [...text.matchAll(/\\(\d{3})|\\(.)|([^\\])/gsu)].flatMap(([, decimal, escaped, plain]) =>
    decimal === undefined ? [...utf8.encode(escaped ?? plain ?? "")] : [Number(decimal)],
  );
}
