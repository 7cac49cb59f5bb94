/**
 * Inflates (RFC 1951) the header blocks of SPDY: one zlib stream over all frames of a connection, with a preset
 * dictionary, flushed to a byte at the end of each block. Written here because no small library takes a dictionary and
 * goes on after a flush.
 */

/** The bytes are no deflate stream, or more than allowed. */
export class InflateError extends Error {
  override readonly name = "InflateError";
}

const windowBytes = 32 * 1024;
const lengthBase = [3, 4, 5, 6, 7, 8, 9, 10, 11, 13, 15, 17, 19, 23, 27, 31, 35, 43, 51, 59, 67, 83, 99, 115, 131, 163, 195, 227, 258];
const lengthExtra = [0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3, 4, 4, 4, 4, 5, 5, 5, 5, 0];
const distanceBase = [
  1, 2, 3, 4, 5, 7, 9, 13, 17, 25, 33, 49, 65, 97, 129, 193, 257, 385, 513, 769, 1025, 1537, 2049, 3073, 4097, 6145, 8193, 12289, 16385,
  24577,
];
const codeLengthOrder = [16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15];
const endOfBlock = 256;

/** A canonical Huffman code: how many codes of each length, and the symbols in order of their codes. */
interface Huffman {
  counts: number[];
  symbols: number[];
}

function huffman(lengths: readonly number[]): Huffman {
  const counts = new Array<number>(16).fill(0);
  for (const length of lengths) counts[length] = (counts[length] as number) + 1;
  counts[0] = 0;
  const offsets = [0, 0];
  for (let length = 1; length < 15; length += 1) offsets.push((offsets[length] as number) + (counts[length] as number));
  const symbols: number[] = [];
  for (const [symbol, length] of lengths.entries()) {
    if (length === 0) continue;
    symbols[offsets[length] as number] = symbol;
    offsets[length] = (offsets[length] as number) + 1;
  }
  return { counts, symbols };
}

const fixedLiterals = huffman(Array.from({ length: 288 }, (_, symbol) => (symbol < 144 ? 8 : symbol < 256 ? 9 : symbol < 280 ? 7 : 8)));
const fixedDistances = huffman(new Array<number>(30).fill(5));

export class ZlibInflater {
  readonly #dictionary: Uint8Array;
  readonly #limitBytes: number;
  #window: number[] = [];
  #hasHeader = false;
  #bytes: Uint8Array = new Uint8Array();
  #at = 0;
  #bits = 0;
  #bitCount = 0;
  #output: number[] = [];

  /** @param limitBytes of one chunk's output */
  constructor(dictionary: Uint8Array, limitBytes: number) {
    this.#dictionary = dictionary;
    this.#limitBytes = limitBytes;
  }

  /** Inflates what was compressed and flushed as one piece. @throws InflateError */
  push(chunk: Uint8Array): Uint8Array {
    this.#bytes = chunk;
    this.#at = 0;
    this.#bits = 0;
    this.#bitCount = 0;
    this.#output = [];
    if (!this.#hasHeader) this.#readHeader();
    while (this.#at < this.#bytes.length) if (this.#block()) break;
    this.#window = this.#window.slice(-windowBytes);
    return Uint8Array.from(this.#output);
  }

  #readHeader(): void {
    const [method = 0, flags = 0] = this.#bytes;
    if ((method & 15) !== 8 || ((method << 8) | flags) % 31 !== 0) throw new InflateError("not a zlib stream");
    this.#at = 2;
    if ((flags & 32) !== 0) {
      this.#at += 4;
      this.#window = Array.from(this.#dictionary);
    }
    this.#hasHeader = true;
  }

  /** @returns true after the last block of the stream */
  #block(): boolean {
    const isLast = this.#take(1) === 1;
    const type = this.#take(2);
    if (type === 0) this.#stored();
    else if (type === 1) this.#compressed(fixedLiterals, fixedDistances);
    else if (type === 2) this.#compressed(...this.#codes());
    else throw new InflateError("unknown block type");
    return isLast;
  }

  #stored(): void {
    this.#bits = 0;
    this.#bitCount = 0;
    const length = (this.#byte() | (this.#byte() << 8)) >>> 0;
    const check = (this.#byte() | (this.#byte() << 8)) >>> 0;
    if ((length ^ check) !== 0xffff) throw new InflateError("stored block with a wrong length");
    for (let count = 0; count < length; count += 1) this.#emit(this.#byte());
  }

  #codes(): [Huffman, Huffman] {
    const literalCount = this.#take(5) + 257;
    const distanceCount = this.#take(5) + 1;
    const codeCount = this.#take(4) + 4;
    const codeLengths = new Array<number>(19).fill(0);
    for (let index = 0; index < codeCount; index += 1) codeLengths[codeLengthOrder[index] as number] = this.#take(3);
    const code = huffman(codeLengths);
    const lengths: number[] = [];
    while (lengths.length < literalCount + distanceCount) {
      const symbol = this.#symbol(code);
      if (symbol < 16) lengths.push(symbol);
      else if (symbol === 16) this.#repeat(lengths, lengths.at(-1) ?? 0, 3 + this.#take(2));
      else this.#repeat(lengths, 0, symbol === 17 ? 3 + this.#take(3) : 11 + this.#take(7));
    }
    return [huffman(lengths.slice(0, literalCount)), huffman(lengths.slice(literalCount))];
  }

  #repeat(lengths: number[], length: number, times: number): void {
    for (let count = 0; count < times; count += 1) lengths.push(length);
  }

  #compressed(literals: Huffman, distances: Huffman): void {
    for (;;) {
      const symbol = this.#symbol(literals);
      if (symbol === endOfBlock) return;
      if (symbol < endOfBlock) {
        this.#emit(symbol);
        continue;
      }
      const index = symbol - 257;
      const length = (lengthBase[index] ?? 0) + this.#take(lengthExtra[index] ?? 0);
      const distanceSymbol = this.#symbol(distances);
      const distance = (distanceBase[distanceSymbol] ?? 0) + this.#take(Math.max(0, (distanceSymbol >> 1) - 1));
      if (length === 0 || distance === 0 || distance > this.#window.length) throw new InflateError("a copy from before the beginning");
      for (let count = 0; count < length; count += 1) this.#emit(this.#window[this.#window.length - distance] as number);
    }
  }

  #symbol({ counts, symbols }: Huffman): number {
    let code = 0;
    let first = 0;
    let index = 0;
    for (let length = 1; length < 16; length += 1) {
      code |= this.#take(1);
      const count = counts[length] as number;
      if (code - count < first) return symbols[index + (code - first)] as number;
      index += count;
      first = (first + count) << 1;
      code <<= 1;
    }
    throw new InflateError("a code that is not in the table");
  }

  #take(count: number): number {
    while (this.#bitCount < count) {
      this.#bits |= this.#byte() << this.#bitCount;
      this.#bitCount += 8;
    }
    const value = this.#bits & ((1 << count) - 1);
    this.#bits >>>= count;
    this.#bitCount -= count;
    return value;
  }

  #byte(): number {
    const byte = this.#bytes[this.#at];
    if (byte === undefined) throw new InflateError("the stream ends in the middle of a block");
    this.#at += 1;
    return byte;
  }

  #emit(byte: number): void {
    if (this.#output.length >= this.#limitBytes) throw new InflateError("more than is allowed");
    this.#output.push(byte);
    this.#window.push(byte);
  }
}

/**
 * A zlib stream of blocks that are stored, not compressed: short headers gain little, and every zlib reads it.
 */
export class ZlibStorer {
  #hasHeader = false;

  push(content: Uint8Array): Uint8Array {
    const header = this.#hasHeader ? [] : [0x78, 0x01];
    this.#hasHeader = true;
    const { length } = content;
    const result = new Uint8Array(header.length + 5 + length + 5);
    result.set(header);
    result.set([0, length & 255, length >> 8, ~length & 255, (~length >> 8) & 255], header.length);
    result.set(content, header.length + 5);
    // An empty block ends the piece at a byte, as a flush does.
    result.set([0, 0, 0, 255, 255], header.length + 5 + length);
    return result;
  }
}
