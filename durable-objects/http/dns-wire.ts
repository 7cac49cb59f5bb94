/**
 * DNS messages as octets: reads questions, writes answers. Only the edge needs them; the cluster speaks in records.
 *
 * Not through dns-packet, for the reasons in docs/decisions/0001-dns-wire-format.md; dns-wire.test.ts reads with it what
 * is written here.
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
const limits = { pointers: 64, labelOctets: 63, nameOctets: 255 } as const;

/** @returns the question of a message with its OPT record; for octets that are no such message, why */
export function readRequest(octets: Uint8Array): DnsRequest | string {
  if (octets.length < headerOctets) return "shorter than the header of a DNS message";
  const reader = new Reader(octets);
  const [id, flags, questions] = [reader.number(2), reader.number(2), reader.number(2)];
  const records = reader.number(2) + reader.number(2) + reader.number(2);
  if (questions !== 1) return `${questions} questions instead of one`;
  const name = reader.name();
  const type = reader.number(2);
  const ofClass = reader.number(2);
  let opt: RawRecord | undefined;
  for (let left = records; left > 0 && reader.problem === undefined; left -= 1) {
    const record = reader.record();
    if (record.type === optType) opt ??= record;
  }
  const edns = opt === undefined ? undefined : ednsOf(opt);
  if (reader.problem !== undefined || typeof edns === "string") return reader.problem ?? String(edns);
  const question: DnsQuestion = {
    name,
    type: typeName(type),
    class: className(ofClass),
    rd: (flags & 0x0100) !== 0,
    cd: (flags & 0x0010) !== 0,
  };
  if (edns !== undefined) question.edns = edns;
  return { id, opcode: (flags >> 11) & 15, question };
}

interface RawRecord {
  type: number;
  ofClass: number;
  ttl: number;
  data: Uint8Array;
}

/** The OPT record puts other things into the fields of a record. */
function ednsOf({ ofClass, ttl, data }: RawRecord): Edns | string {
  const reader = new Reader(data);
  const options: EdnsOption[] = [];
  while (!reader.atEnd && reader.problem === undefined) {
    const code = reader.number(2);
    options.push({ code, hex: hexOf(reader.octets(reader.number(2))) });
  }
  return reader.problem ?? { bufsize: ofClass, version: (ttl >>> 16) & 255, do: (ttl & 0x8000) !== 0, options };
}

/** Reads forward; once something is wrong, `problem` stays set and zeros come out. Long for its speed. */
class Reader {
  problem: string | undefined;
  #at = 0;
  readonly #octets: Uint8Array;

  constructor(octets: Uint8Array) {
    this.#octets = octets;
  }

  get atEnd(): boolean {
    return this.#at >= this.#octets.length;
  }

  number(length: 1 | 2 | 4): number {
    if (this.#at + length > this.#octets.length) return this.#fail("the message ends too early");
    let value = 0;
    for (let left = length; left > 0; left -= 1) {
      value = value * 256 + this.#octets[this.#at]!;
      this.#at += 1;
    }
    return value;
  }

  octets(length: number): Uint8Array {
    if (this.#at + length > this.#octets.length) this.#fail("the message ends too early");
    const taken = this.#octets.subarray(this.#at, this.#at + length);
    this.#at += length;
    return taken;
  }

  record(): RawRecord {
    this.name();
    const [type, ofClass, ttl] = [this.number(2), this.number(2), this.number(4)];
    return { type, ofClass, ttl, data: this.octets(this.number(2)) };
  }

  /** Follows pointers, at most so many that a loop ends. */
  name(): string {
    const codes: number[] = [];
    let end: number | undefined;
    let octets = 1;
    for (let pointers = 0; pointers <= limits.pointers && this.problem === undefined; ) {
      const length = this.number(1);
      if (length === 0) {
        this.#at = end ?? this.#at;
        return codes.length === 0 ? "." : String.fromCharCode.apply(undefined, codes);
      }
      if (length >= 0xc0) {
        const target = ((length & 0x3f) << 8) | this.number(1);
        end ??= this.#at;
        this.#at = target;
        pointers += 1;
        continue;
      }
      octets += 1 + length;
      if (length > limits.labelOctets) this.#fail(`a label has at most ${limits.labelOctets} octets`);
      else if (octets > limits.nameOctets) this.#fail(`a name has at most ${limits.nameOctets} octets with its root`);
      else this.#label(length, codes);
    }
    this.problem ??= "a name that points in circles";
    return ".";
  }

  #label(length: number, codes: number[]): void {
    if (this.#at + length > this.#octets.length) this.#fail("the message ends too early");
    for (let at = this.#at; at < this.#at + length && this.problem === undefined; at += 1) {
      const octet = this.#octets[at]!;
      if (isPlain(octet)) codes.push(octet);
      else for (const char of escapeOf(octet)) codes.push(char.charCodeAt(0));
    }
    codes.push(dot);
    this.#at += length;
  }

  #fail(problem: string): 0 {
    this.problem ??= problem;
    return 0;
  }
}

const dot = 0x2e;
const backslash = 0x5c;

/** Letters, digits, dash and underscore stand for themselves in every context. */
const isPlain = (octet: number): boolean =>
  (octet >= 0x61 && octet <= 0x7a) ||
  (octet >= 0x30 && octet <= 0x39) ||
  octet === 0x2d ||
  octet === 0x5f ||
  (octet >= 0x41 && octet <= 0x5a);

function escapeOf(octet: number): string {
  if (octet <= 0x20 || octet >= 0x7f) return `\\${String(octet).padStart(3, "0")}`;
  const char = String.fromCharCode(octet);
  return '."\\();@$'.includes(char) ? `\\${char}` : char;
}

const hexOf = (octets: Uint8Array): string => Array.from(octets, (octet) => octet.toString(16).padStart(2, "0")).join("");

/** Writes an answer to the request with that id and opcode. */
export function writeMessage(message: DnsMessage, { id, opcode }: { id: number; opcode: number }): Uint8Array<ArrayBuffer> {
  const { question, answer, authority, additional, edns } = message;
  const rcode = rcodeNumber(message.rcode);
  const writer = new Writer(message.compressed, message.octets);
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

/** Long for its speed. */
class Writer {
  readonly #names: NameOffsets | undefined;
  #octets: Uint8Array<ArrayBuffer>;
  #length = 0;

  /** @param octets the size the message will have; more are taken where it was not counted */
  constructor(compressed: boolean, octets: number) {
    this.#names = compressed ? new NameOffsets() : undefined;
    this.#octets = new Uint8Array(Math.max(headerOctets, octets));
  }

  number(length: 1 | 2 | 4, value: number): void {
    this.#reserve(length);
    for (let shift = (length - 1) * 8; shift >= 0; shift -= 8) {
      this.#octets[this.#length] = value >>> shift;
      this.#length += 1;
    }
  }

  name(name: string, compressible: boolean): void {
    if (this.#names === undefined) {
      if (!this.#plainName(name)) this.#labels(labelsOf(name));
      this.number(1, 0);
      return;
    }
    const { labels, pointer } = this.#names.place(name, this.#length, compressible);
    this.#labels(labels);
    if (pointer === undefined) this.number(1, 0);
    else this.number(2, 0xc000 | pointer);
  }

  record({ name, type, ttl, data }: DnsRecord): void {
    this.name(name, true);
    this.number(2, numberOfType(type));
    this.number(2, 1);
    this.number(4, ttl);
    const lengthAt = this.#length;
    this.number(2, 0);
    for (const field of rdataFields(type, data)) this.#field(field);
    const length = this.#length - lengthAt - 2;
    this.#octets[lengthAt] = length >>> 8;
    this.#octets[lengthAt + 1] = length;
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
      for (let at = 0; at < hex.length; at += 2) this.number(1, Number.parseInt(hex.slice(at, at + 2), 16));
    }
  }

  finish(): Uint8Array<ArrayBuffer> {
    if (this.#length < headerOctets) throw new Error("a DNS message without a header");
    return this.#length === this.#octets.length ? this.#octets : this.#octets.slice(0, this.#length);
  }

  /** Writes the labels of a name without escapes, each behind its length; false, and nothing written, for others. */
  #plainName(name: string): boolean {
    this.#reserve(name.length + 1);
    const start = this.#length;
    let lengthAt = start;
    let at = start + 1;
    for (let index = 0; index < name.length; index += 1) {
      const code = name.charCodeAt(index);
      if (code === backslash || code > 0x7f) return false;
      if (code !== dot) {
        this.#octets[at] = code;
        at += 1;
      } else if (at - lengthAt > 1) {
        this.#octets[lengthAt] = at - lengthAt - 1;
        lengthAt = at;
        at += 1;
      }
    }
    if (at - lengthAt > 1) {
      this.#octets[lengthAt] = at - lengthAt - 1;
      lengthAt = at;
    }
    this.#length = lengthAt;
    return true;
  }

  #labels(labels: readonly string[]): void {
    for (const label of labels) this.#string(octetsOf(label));
  }

  #string(octets: readonly number[]): void {
    this.number(1, octets.length);
    this.#all(octets);
  }

  #all(octets: readonly number[]): void {
    this.#reserve(octets.length);
    for (const octet of octets) {
      this.#octets[this.#length] = octet;
      this.#length += 1;
    }
  }

  #field(field: RdataField): void {
    switch (field.kind) {
      case "number":
        this.number(field.octets, field.value);
        return;
      case "octets":
        this.#all(field.octets);
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

  #reserve(octets: number): void {
    const needed = this.#length + octets;
    if (needed <= this.#octets.length) return;
    const larger = new Uint8Array(Math.max(needed, this.#octets.length * 2));
    larger.set(this.#octets);
    this.#octets = larger;
  }
}
