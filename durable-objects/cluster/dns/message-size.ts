/**
 * How much room a message takes on the wire, and what is left out where it takes too much.
 *
 * Counts only; octets are written by `http/dns-wire.ts` under the same rules of compression.
 *
 * @see https://www.rfc-editor.org/rfc/rfc1035#section-4.1.4
 */
import type { DnsMessage, DnsQuestion, Edns } from "../api/dns-message.ts";
import { labelOctets, labelsOf, nameOctets, nameOf } from "../api/domain-names.ts";
import type { DnsRecord } from "../api/network.ts";
import { type RdataField, rdataFields } from "./rdata.ts";

const headerOctets = 12;
/** Type and class of a question. */
const questionOctets = 4;
/** Type, class, ttl and length of a record. */
const recordOctets = 10;
const pointerOctets = 2;
/** A pointer has fourteen bits. */
const farthestPointer = 0x4000;
const smallestLimit = 512;
const largestLimit = 65_535;

/** Names seen so far, so that a later one can point to the end of an earlier one. */
export class NameOffsets {
  readonly #offsets = new Map<string, number>();

  /**
   * Splits a name that starts at `offset` into labels to write and a place to point to.
   *
   * @param compressible false: written in full, but later names may point into it
   */
  place(name: string, offset: number, compressible: boolean): { labels: string[]; pointer: number | undefined } {
    const labels = labelsOf(name);
    let at = offset;
    for (let index = 0; index < labels.length; index += 1) {
      const rest = nameOf(labels.slice(index));
      const known = this.#offsets.get(rest);
      if (known !== undefined && compressible) return { labels: labels.slice(0, index), pointer: known };
      if (known === undefined && at < farthestPointer) this.#offsets.set(rest, at);
      at += 1 + labelOctets(labels[index] ?? "");
    }
    return { labels, pointer: undefined };
  }
}

/** Octets of the whole message: `compressed` says how its names are written. */
export function messageOctets(message: DnsMessage): number {
  const offsets = message.compressed ? new NameOffsets() : undefined;
  let octets = headerOctets;
  octets += nameLength(message.question.name, octets, true, offsets) + questionOctets;
  for (const record of [...message.answer, ...message.authority, ...message.additional]) octets += recordLength(record, octets, offsets);
  return octets + optOctets(message.edns);
}

/** Octets that the transport of a question carries back. */
export const limitOf = ({ transport, edns }: DnsQuestion): number =>
  transport === "tcp" ? largestLimit : Math.max(smallestLimit, edns?.bufsize ?? 0);

/**
 * Cuts a message to what its transport carries. What fits as it is stays uncompressed; else names are compressed, room
 * for the OPT is set aside, and records are taken in order until one does not fit.
 */
export function fitToTransport(message: DnsMessage): DnsMessage {
  const limit = limitOf(message.question);
  const whole = { ...message, octets: messageOctets(message) };
  if (whole.octets <= limit) return whole;
  const offsets = new NameOffsets();
  const room = limit - optOctets(message.edns);
  let used = headerOctets;
  used += nameLength(message.question.name, used, true, offsets) + questionOctets;
  const take = (records: readonly DnsRecord[]): DnsRecord[] => {
    const taken: DnsRecord[] = [];
    for (const record of records) {
      const octets = used < room ? recordLength(record, used, offsets) : room;
      if (used + octets > room) {
        used = room;
        break;
      }
      used += octets;
      taken.push(record);
    }
    return taken;
  };
  const [answer, authority, additional] = [take(message.answer), take(message.authority), take(message.additional)];
  const left = answer.length + authority.length + additional.length;
  const tc = left < message.answer.length + message.authority.length + message.additional.length;
  const cut = { ...message, answer, authority, additional, tc, compressed: true };
  return { ...cut, octets: messageOctets(cut) };
}

function recordLength(record: DnsRecord, offset: number, offsets: NameOffsets | undefined): number {
  let octets = nameLength(record.name, offset, true, offsets) + recordOctets;
  for (const field of rdataFields(record.type, record.data)) octets += fieldLength(field, offset + octets, offsets);
  return octets;
}

function fieldLength(field: RdataField, offset: number, offsets: NameOffsets | undefined): number {
  switch (field.kind) {
    case "number":
      return field.octets;
    case "octets":
      return field.octets.length;
    case "string":
      return 1 + field.octets.length;
    case "name":
      return nameLength(field.name, offset, field.compressible, offsets);
    default:
      return field satisfies never;
  }
}

function nameLength(name: string, offset: number, compressible: boolean, offsets: NameOffsets | undefined): number {
  if (offsets === undefined) return nameOctets(name);
  const { labels, pointer } = offsets.place(name, offset, compressible);
  const written = labels.reduce((sum, label) => sum + 1 + labelOctets(label), 0);
  return written + (pointer === undefined ? 1 : pointerOctets);
}

/** A root name, the fixed part, and the options. */
export const optOctets = (edns: Edns | undefined): number =>
  edns === undefined ? 0 : 1 + recordOctets + edns.options.reduce((sum, { hex }) => sum + 4 + hex.length / 2, 0);
