/**
 * Writes the wire format of protobuf from the end to the front, so that a message's length is known when it is due.
 *
 * Knows no message: `openapi-protobuf.ts` does.
 *
 * @see https://protobuf.dev/programming-guides/encoding/
 */
const startBytes = 64 * 1024;
const wireTypes = { varint: 0, bytes: 2 } as const;

export class ProtobufWriter {
  #buffer = new Uint8Array(startBytes);
  /** Where the first byte stands that is written already. */
  #at = startBytes;
  readonly #encoder = new TextEncoder();

  /** What was written, as a copy of its own. */
  written(): Uint8Array<ArrayBuffer> {
    return this.#buffer.slice(this.#at);
  }

  text(number: number, text: string): void {
    const bytes = this.#encoder.encode(text);
    this.#makeRoom(bytes.length);
    this.#at -= bytes.length;
    this.#buffer.set(bytes, this.#at);
    this.#varint(bytes.length);
    this.#tag(number, wireTypes.bytes);
  }

  bool(number: number, value: boolean): void {
    this.#varint(value ? 1 : 0);
    this.#tag(number, wireTypes.varint);
  }

  /** @param members writes the members of the message, the last one first where their order matters */
  message(number: number, members: () => void): void {
    const left = this.#buffer.length - this.#at;
    members();
    this.#varint(this.#buffer.length - this.#at - left);
    this.#tag(number, wireTypes.bytes);
  }

  #tag(number: number, wireType: number): void {
    this.#varint(number * 8 + wireType);
  }

  /** Seven bits a byte, the lowest first. */
  #varint(value: number): void {
    const bytes: number[] = [];
    let rest = value;
    for (; rest > 0x7f; rest = Math.floor(rest / 128)) bytes.push((rest % 128) | 0x80);
    bytes.push(rest);
    this.#makeRoom(bytes.length);
    this.#at -= bytes.length;
    this.#buffer.set(bytes, this.#at);
  }

  #makeRoom(count: number): void {
    if (count <= this.#at) return;
    const used = this.#buffer.length - this.#at;
    const grown = new Uint8Array(Math.max(this.#buffer.length * 2, used + count));
    grown.set(this.#buffer.subarray(this.#at), grown.length - used);
    this.#at = grown.length - used;
    this.#buffer = grown;
  }
}
