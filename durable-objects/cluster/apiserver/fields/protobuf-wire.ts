/**
 * Reads the wire format of protobuf, with the errors that the server's generated decoders have.
 *
 * Knows no message: `protobuf.ts` does.
 *
 * @see https://protobuf.dev/programming-guides/encoding/
 */
import { FieldDecodingError } from "./decode-struct.ts";

/** What stands behind a tag. Groups (3 and 4) are only ever skipped. */
export const wireTypes = { varint: 0, fixed64: 1, bytes: 2, group: 3, endGroup: 4, fixed32: 5 } as const;

export interface Tag {
  number: number;
  wireType: number;
}

const maxVarintBytes = 10;
const twoTo32 = 2 ** 32;

export class WireReader {
  #at = 0;
  readonly #bytes: Uint8Array;
  /** The two halves of the number read last. Not a bigint: the V8 of Node 20 dies of compiling this loop with one. */
  #low = 0;
  #high = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  get done(): boolean {
    return this.#at >= this.#bytes.length;
  }

  /** @param message its Go name, for errors */
  tag(message: string): Tag {
    this.#varint();
    const number = (this.#high << 29) | (this.#low >>> 3);
    const wireType = this.#low & 7;
    if (wireType === wireTypes.endGroup) throw new FieldDecodingError(`proto: ${message}: wiretype end group for non-group`);
    if (number <= 0) {
      const tag = (BigInt(this.#high >>> 0) << 32n) | BigInt(this.#low >>> 0);
      throw new FieldDecodingError(`proto: ${message}: illegal tag ${number} (wire type ${tag})`);
    }
    return { number, wireType };
  }

  bool(): boolean {
    this.#varint();
    return (this.#low | this.#high) !== 0;
  }

  int32(): number {
    this.#varint();
    return this.#low;
  }

  /** Rounded where a double has no room for it. */
  int64(): number {
    this.#varint();
    return this.#high * twoTo32 + (this.#low >>> 0);
  }

  /** A text, some bytes or a message, as a view. */
  bytes(): Uint8Array {
    const length = this.int64();
    if (length < 0) throw new FieldDecodingError("proto: negative length found during unmarshaling");
    const start = this.#at;
    this.#advance(length);
    return this.#bytes.subarray(start, this.#at);
  }

  float64(): number {
    const start = this.#at;
    this.#advance(8);
    return new DataView(this.#bytes.buffer, this.#bytes.byteOffset + start, 8).getFloat64(0, true);
  }

  /** Passes over what stands behind a tag that nobody knows. */
  skip(wireType: number): void {
    let openGroups = 0;
    for (let type = wireType; ; type = this.int32() & 7) {
      if (type === wireTypes.group) openGroups += 1;
      else if (type === wireTypes.endGroup) openGroups -= 1;
      else this.#skipValue(type);
      if (openGroups === 0) return;
    }
  }

  #skipValue(wireType: number): void {
    switch (wireType) {
      case wireTypes.varint:
        this.#varint();
        return;
      case wireTypes.fixed64:
        this.#advance(8);
        return;
      case wireTypes.bytes:
        this.bytes();
        return;
      case wireTypes.fixed32:
        this.#advance(4);
        return;
      default:
        throw new FieldDecodingError(`proto: illegal wireType ${wireType}`);
    }
  }

  /** Seven bits a byte, the lowest first. */
  #varint(): void {
    this.#low = 0;
    this.#high = 0;
    for (let read = 0, shift = 0; read < maxVarintBytes; read += 1, shift += 7) {
      const byte = this.#bytes[this.#at];
      if (byte === undefined) throw endOfData();
      this.#at += 1;
      const bits = byte & 0x7f;
      if (shift < 32) this.#low |= bits << shift;
      if (shift >= 32) this.#high |= bits << (shift - 32);
      else if (shift > 25) this.#high |= bits >>> (32 - shift);
      if (byte < 0x80) return;
    }
    throw new FieldDecodingError("proto: integer overflow");
  }

  #advance(count: number): void {
    if (this.#at + count > this.#bytes.length) throw endOfData();
    this.#at += count;
  }
}

const endOfData = () => new FieldDecodingError("unexpected EOF");
