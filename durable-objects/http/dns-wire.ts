/**
 * DNS messages as octets: reads questions, writes answers. Only the edge needs them; the cluster speaks in records.
 *
 * Not through dns-packet, which neither compresses names nor keeps a dot inside a label apart from a separator
 * (dns-wire.test.ts reads what is written here with it).
 *
 * @see https://www.rfc-editor.org/rfc/rfc1035#section-4
 */
import type { DnsMessage, DnsQuestion, Edns, EdnsOption } from "../cluster/api/dns-message.ts";
import { labelsOf } from "../cluster/api/domain-names.ts";
import type { DnsRecord } from "../cluster/api/network.ts";
import { NameOffsets } from "../cluster/dns/message-size.ts";
import { octetsOf, type RdataField, rdataFields } from "../cluster/dns/rdata.ts";
import { className, classNumber, rcodeNumber, typeName, typeNumber } from "./dns-codes.ts";

export interface DnsRequest {
  id: number;
  opcode: number;
  question: DnsQuestion;
}

const headerOctets = 12;
const optType = 41;
const mostPointers = 64;

/** @returns the first question of a message with its OPT record; `undefined` for octets that are no such message */
export function readRequest(octets: Uint8Array): DnsRequest | undefined {
  const reader = new Reader(octets);
  const [id, flags, questions, answers, authorities, additionals] = Array.from({ length: 6 }, () => reader.number(2));
  if (reader.failed || questions !== 1 || id === undefined || flags === undefined) return undefined;
  const name = reader.name();
  const [type, ofClass] = [reader.number(2), reader.number(2)];
  const records = Array.from({ length: (answers ?? 0) + (authorities ?? 0) + (additionals ?? 0) }, () =>
    reader.failed ? undefined : reader.record(),
  );
  if (reader.failed) return undefined;
  const edns = records.find((record) => record?.type === optType);
  const question: DnsQuestion = {
    name,
    type: typeName(type),
    class: className(ofClass),
    rd: (flags & 0x0100) !== 0,
    cd: (flags & 0x0010) !== 0,
    ...(edns === undefined ? {} : { edns: ednsOf(edns) }),
  };
  return { id, opcode: (flags >> 11) & 15, question };
}

interface RawRecord {
  type: number;
  ofClass: number;
  ttl: number;
  data: Uint8Array;
}

/** The OPT record puts other things into the fields of a record. */
function ednsOf({ ofClass, ttl, data }: RawRecord): Edns {
  const reader = new Reader(data);
  const options: EdnsOption[] = [];
  while (!reader.atEnd && !reader.failed) {
    const code = reader.number(2);
    options.push({ code, hex: hexOf(reader.octets(reader.number(2))) });
  }
  return { bufsize: ofClass, version: (ttl >>> 16) & 255, do: (ttl & 0x8000) !== 0, options };
}

/** Reads forward; once something is missing, `failed` stays set and zeros come out. */
class Reader {
  failed = false;
  #at = 0;
  readonly #octets: Uint8Array;

  constructor(octets: Uint8Array) {
    this.#octets = octets;
  }

  get atEnd(): boolean {
    return this.#at >= this.#octets.length;
  }

  number(length: 1 | 2 | 4): number {
    return this.octets(length).reduce((sum, octet) => sum * 256 + octet, 0);
  }

  octets(length: number): Uint8Array {
    const taken = this.#octets.subarray(this.#at, this.#at + length);
    if (taken.length < length) this.failed = true;
    this.#at += length;
    return taken;
  }

  record(): RawRecord {
    this.name();
    const [type, ofClass, ttl] = [this.number(2), this.number(2), this.number(4)];
    return { type, ofClass, ttl, data: this.octets(this.number(2)) };
  }

  /** Follows pointers backwards, at most so many that a loop ends. */
  name(): string {
    let text = "";
    let end: number | undefined;
    for (let pointers = 0; pointers <= mostPointers && !this.failed; ) {
      const length = this.number(1);
      if (length >= 0xc0) {
        const target = ((length & 0x3f) << 8) | this.number(1);
        end ??= this.#at;
        this.#at = target;
        pointers += 1;
      } else if (length === 0) {
        this.#at = end ?? this.#at;
        return text === "" ? "." : text;
      } else {
        text += `${presentedLabel(this.octets(length))}.`;
        if (length > 63) this.failed = true;
      }
    }
    this.failed = true;
    return ".";
  }
}

const presentedLabel = (octets: Uint8Array): string =>
  Array.from(octets, (octet) => {
    const char = String.fromCharCode(octet);
    if (octet <= 0x20 || octet >= 0x7f) return `\\${String(octet).padStart(3, "0")}`;
    return '."\\();@$'.includes(char) ? `\\${char}` : char;
  }).join("");

const hexOf = (octets: Uint8Array): string => Array.from(octets, (octet) => octet.toString(16).padStart(2, "0")).join("");

/** Writes an answer to the request with that id and opcode. */
export function writeMessage(message: DnsMessage, { id, opcode }: { id: number; opcode: number }): Uint8Array<ArrayBuffer> {
  const { question, answer, authority, additional, edns } = message;
  const rcode = rcodeNumber(message.rcode);
  const writer = new Writer(message.compressed);
  writer.number(2, id);
  writer.number(2, flagsOf(message, opcode) | (rcode & 15));
  writer.number(2, 1);
  writer.number(2, answer.length);
  writer.number(2, authority.length);
  writer.number(2, additional.length + (edns === undefined ? 0 : 1));
  writer.name(question.name, true);
  writer.number(2, numberOfType(question.type));
  writer.number(2, classNumber(question.class ?? "IN"));
  for (const record of [...answer, ...authority, ...additional]) writer.record(record);
  if (edns !== undefined) writer.opt(edns, rcode >> 4);
  return writer.finish();
}

const flagsOf = ({ aa, tc, rd, ra, cd }: DnsMessage, opcode: number): number =>
  0x8000 | (opcode << 11) | (aa ? 0x0400 : 0) | (tc ? 0x0200 : 0) | (rd ? 0x0100 : 0) | (ra ? 0x0080 : 0) | (cd ? 0x0010 : 0);

function numberOfType(name: string): number {
  const number = typeNumber(name);
  if (number === undefined) throw new Error(`no number for the record type ${name}`);
  return number;
}

class Writer {
  readonly #octets: number[] = [];
  readonly #names: NameOffsets | undefined;

  constructor(compressed: boolean) {
    this.#names = compressed ? new NameOffsets() : undefined;
  }

  number(length: 2 | 4, value: number): void {
    for (let shift = (length - 1) * 8; shift >= 0; shift -= 8) this.#octets.push((value >>> shift) & 255);
  }

  name(name: string, compressible: boolean): void {
    const { labels, pointer } = this.#names?.place(name, this.#octets.length, compressible) ?? {
      labels: labelsOf(name),
      pointer: undefined,
    };
    for (const label of labels) this.#string(octetsOf(label));
    if (pointer === undefined) this.#octets.push(0);
    else this.number(2, 0xc000 | pointer);
  }

  record({ name, type, ttl, data }: DnsRecord): void {
    this.name(name, true);
    this.number(2, numberOfType(type));
    this.number(2, 1);
    this.number(4, ttl);
    const lengthAt = this.#octets.length;
    this.number(2, 0);
    for (const field of rdataFields(type, data)) this.#field(field);
    const length = this.#octets.length - lengthAt - 2;
    this.#octets.splice(lengthAt, 2, length >> 8, length & 255);
  }

  opt({ bufsize, version, do: wantsSignatures, options }: Edns, extendedRcode: number): void {
    this.name(".", false);
    this.number(2, optType);
    this.number(2, bufsize);
    this.number(4, ((extendedRcode << 24) | (version << 16) | (wantsSignatures ? 0x8000 : 0)) >>> 0);
    this.number(
      2,
      options.reduce((sum, { hex }) => sum + 4 + hex.length / 2, 0),
    );
    for (const { code, hex } of options) {
      this.number(2, code);
      this.number(2, hex.length / 2);
      this.#octets.push(...(hex.match(/../g) ?? []).map((octet) => Number.parseInt(octet, 16)));
    }
  }

  finish(): Uint8Array<ArrayBuffer> {
    if (this.#octets.length < headerOctets) throw new Error("a DNS message without a header");
    return Uint8Array.from(this.#octets);
  }

  #string(octets: readonly number[]): void {
    this.#octets.push(octets.length, ...octets);
  }

  #field(field: RdataField): void {
    switch (field.kind) {
      case "number":
        this.number(field.octets, field.value);
        return;
      case "octets":
        this.#octets.push(...field.octets);
        return;
      case "string":
        this.#string(field.octets);
        return;
      case "name":
        this.name(field.name, field.compressible);
        return;
      default:
        field satisfies never;
    }
  }
}
