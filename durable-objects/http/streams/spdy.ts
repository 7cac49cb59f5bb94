/**
 * The server's end of SPDY/3.1 over any byte stream, as far as Kubernetes uses it: streams with headers, data in both
 * directions, pings. Knows nothing of what the streams carry.
 *
 * @see https://www.chromium.org/spdy/spdy-protocol/spdy-protocol-draft3-1/
 */
import { joined } from "../../cluster/kubelet/http-message.ts";
import { InflateError, ZlibInflater, ZlibStorer } from "./inflate.ts";
import { spdyDictionary } from "./spdy-dictionary.ts";

const types = { synStream: 1, synReply: 2, rstStream: 3, settings: 4, ping: 6, goAway: 7, headers: 8, windowUpdate: 9 } as const;
const version = 3;
const finFlag = 1;
const headerBytes = 8;
/** Larger frames are no use to anybody and would fill the memory. */
const limits = { frameBytes: 1024 * 1024, headerBlockBytes: 64 * 1024, streams: 512, dataFrameBytes: 16 * 1024 } as const;
const protocolError = 1;

export interface SpdyStream {
  readonly id: number;
  /** Names in lower case. */
  readonly headers: ReadonlyMap<string, string>;
  /** Assigned by whoever takes the stream, within `onStream`. */
  onData(data: Uint8Array): void;
  /** The client will send no more. */
  onEnd(): void;
  /** The client gave the stream up. */
  onReset(): void;
  write(data: Uint8Array): void;
  /** We will send no more. */
  end(): void;
}

export interface SpdyHandlers {
  send(bytes: Uint8Array): void;
  /** Takes a stream, which has been accepted. */
  onStream(stream: SpdyStream): void;
  /** The client said goodbye, or broke the protocol; nothing more will come. */
  onClose(): void;
}

interface StreamState {
  stream: SpdyStream;
  hasEnded: boolean;
  isEndedByUs: boolean;
}

export class SpdyServer {
  readonly #handlers: SpdyHandlers;
  readonly #inflater = new ZlibInflater(spdyDictionary, limits.headerBlockBytes);
  readonly #storer = new ZlibStorer();
  readonly #streams = new Map<number, StreamState>();
  #received: Uint8Array = new Uint8Array();
  #isClosed = false;

  constructor(handlers: SpdyHandlers) {
    this.#handlers = handlers;
  }

  /** Bytes of the connection, cut anywhere. */
  receive(bytes: Uint8Array): void {
    this.#received = this.#received.length === 0 ? bytes : joined([this.#received, bytes]);
    while (!this.#isClosed && this.#received.length >= headerBytes) {
      const view = viewOf(this.#received);
      const length = view.getUint32(4) & 0xffffff;
      if (length > limits.frameBytes) {
        this.#close();
        return;
      }
      if (this.#received.length < headerBytes + length) return;
      const frame = this.#received.slice(0, headerBytes + length);
      this.#received = this.#received.subarray(headerBytes + length);
      try {
        this.#frame(frame);
      } catch (error) {
        if (!(error instanceof InflateError) && !(error instanceof RangeError)) throw error;
        // What cannot be read leaves the compression out of step: the connection is over.
        this.#close();
      }
    }
  }

  #close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    const content = viewFor(8);
    content.setUint32(4, protocolError);
    this.#control(types.goAway, 0, bytesOf(content));
    this.#handlers.onClose();
  }

  #frame(frame: Uint8Array): void {
    const view = viewOf(frame);
    const first = view.getUint32(0);
    const flags = frame[4] as number;
    const content = frame.subarray(headerBytes);
    if (first >>> 31 === 0) this.#data(first & 0x7fffffff, content, flags);
    else this.#controlFrame(first & 0xffff, content, flags);
  }

  #controlFrame(type: number, content: Uint8Array, flags: number): void {
    const view = viewOf(content);
    switch (type) {
      case types.synStream:
        this.#open(view.getUint32(0) & 0x7fffffff, content.subarray(10), flags);
        return;
      case types.headers:
        // Keeps the compression in step; nobody sends more headers later.
        this.#inflater.push(content.subarray(4));
        return;
      case types.rstStream: {
        const id = view.getUint32(0) & 0x7fffffff;
        const state = this.#streams.get(id);
        this.#streams.delete(id);
        state?.stream.onReset();
        return;
      }
      case types.ping:
        // Odd numbers are the client's own, which wants them back.
        if (view.getUint32(0) % 2 === 1) this.#control(types.ping, 0, content);
        return;
      case types.goAway:
        this.#isClosed = true;
        this.#handlers.onClose();
        return;
      default:
        // Settings and window updates: we send little, and the client of Kubernetes gives no window.
        return;
    }
  }

  #open(id: number, block: Uint8Array, flags: number): void {
    const headers = readHeaders(this.#inflater.push(block));
    if (this.#streams.size >= limits.streams) {
      const content = viewFor(8);
      content.setUint32(0, id);
      content.setUint32(4, 3);
      this.#control(types.rstStream, 0, bytesOf(content));
      return;
    }
    const stream: SpdyStream = {
      id,
      headers,
      onData: () => {},
      onEnd: () => {},
      onReset: () => {},
      write: (data) => this.#write(id, data),
      end: () => this.#end(id),
    };
    this.#streams.set(id, { stream, hasEnded: false, isEndedByUs: false });
    const reply = viewFor(4);
    reply.setUint32(0, id);
    this.#control(types.synReply, 0, joined([bytesOf(reply), this.#storer.push(writeHeaders([]))]));
    this.#handlers.onStream(stream);
    if (flags & finFlag) this.#ended(id);
  }

  #data(id: number, content: Uint8Array, flags: number): void {
    const state = this.#streams.get(id);
    if (!state || state.hasEnded) return;
    if (content.length > 0) state.stream.onData(content);
    if (flags & finFlag) this.#ended(id);
  }

  #ended(id: number): void {
    const state = this.#streams.get(id);
    if (!state) return;
    state.hasEnded = true;
    state.stream.onEnd();
    if (state.isEndedByUs) this.#streams.delete(id);
  }

  #write(id: number, data: Uint8Array): void {
    const state = this.#streams.get(id);
    if (!state || state.isEndedByUs) return;
    for (let at = 0; at < data.length; at += limits.dataFrameBytes) this.#dataFrame(id, data.subarray(at, at + limits.dataFrameBytes), 0);
  }

  #end(id: number): void {
    const state = this.#streams.get(id);
    if (!state || state.isEndedByUs) return;
    state.isEndedByUs = true;
    this.#dataFrame(id, new Uint8Array(), finFlag);
    if (state.hasEnded) this.#streams.delete(id);
  }

  #dataFrame(id: number, data: Uint8Array, flags: number): void {
    const head = viewFor(headerBytes);
    head.setUint32(0, id);
    head.setUint32(4, (flags << 24) | data.length);
    this.#handlers.send(joined([bytesOf(head), data]));
  }

  #control(type: number, flags: number, content: Uint8Array): void {
    const head = viewFor(headerBytes);
    head.setUint16(0, 0x8000 | version);
    head.setUint16(2, type);
    head.setUint32(4, (flags << 24) | content.length);
    this.#handlers.send(joined([bytesOf(head), content]));
  }
}

const viewOf = (bytes: Uint8Array): DataView => new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
const viewFor = (length: number): DataView => new DataView(new ArrayBuffer(length));
const bytesOf = (view: DataView): Uint8Array => new Uint8Array(view.buffer, view.byteOffset, view.byteLength);

function readHeaders(block: Uint8Array): Map<string, string> {
  const view = viewOf(block);
  const headers = new Map<string, string>();
  let at = 4;
  const text = (): string => {
    const length = view.getUint32(at);
    const bytes = block.subarray(at + 4, at + 4 + length);
    if (bytes.length < length) throw new RangeError("a header beyond the end of its block");
    at += 4 + length;
    return new TextDecoder().decode(bytes);
  };
  for (let left = view.getUint32(0); left > 0; left -= 1) {
    const name = text();
    headers.set(name.toLowerCase(), text());
  }
  return headers;
}

/** The block of a SYN_STREAM or SYN_REPLY before compression. */
export function writeHeaders(headers: readonly (readonly [name: string, value: string])[]): Uint8Array {
  const encoder = new TextEncoder();
  const count = viewFor(4);
  count.setUint32(0, headers.length);
  const parts = [bytesOf(count)];
  for (const text of headers.flat()) {
    const bytes = encoder.encode(text);
    const length = viewFor(4);
    length.setUint32(0, bytes.length);
    parts.push(bytesOf(length), bytes);
  }
  return joined(parts);
}
