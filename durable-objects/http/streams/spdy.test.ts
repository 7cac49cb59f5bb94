import { constants, createDeflate, createInflate, type Deflate, type Inflate } from "node:zlib";
import { describe, expect, it } from "vitest";
import { SpdyServer, type SpdyStream, writeHeaders } from "./spdy.ts";
import { spdyDictionary } from "./spdy-dictionary.ts";

/** The client's end, compressing with zlib itself. */
class Client {
  readonly #deflate: Deflate = createDeflate({ dictionary: spdyDictionary, level: 9 });
  readonly #inflate: Inflate = createInflate({ dictionary: spdyDictionary });
  readonly frames: { type: number | "data"; flags: number; content: Buffer }[] = [];
  readonly streams: SpdyStream[] = [];
  readonly log: string[] = [];
  isClosed = false;
  readonly server = new SpdyServer({
    send: (bytes) => this.#take(Buffer.from(bytes)),
    onStream: (stream) => {
      this.streams.push(stream);
      stream.onData = (data) => this.log.push(`${stream.id} data ${Buffer.from(data).toString()}`);
      stream.onEnd = () => this.log.push(`${stream.id} end`);
      stream.onReset = () => this.log.push(`${stream.id} reset`);
    },
    onClose: () => {
      this.isClosed = true;
    },
  });

  async compressed(headers: [string, string][]): Promise<Buffer> {
    return flushed(this.#deflate, Buffer.from(writeHeaders(headers)));
  }

  inflated(block: Buffer): Promise<Buffer> {
    return flushed(this.#inflate, block);
  }

  async synStream(id: number, headers: [string, string][], flags = 0): Promise<Buffer> {
    const head = Buffer.alloc(10);
    head.writeUInt32BE(id, 0);
    return control(1, flags, Buffer.concat([head, await this.compressed(headers)]));
  }

  #take(bytes: Buffer): void {
    const isControl = (bytes[0] as number) >= 128;
    this.frames.push({ type: isControl ? bytes.readUInt16BE(2) : "data", flags: bytes[4] as number, content: bytes.subarray(8) });
  }
}

function flushed(stream: Deflate | Inflate, bytes: Buffer): Promise<Buffer> {
  return new Promise((resolve) => {
    stream.write(bytes, () => {
      const flush =
        "flush" in stream ? (done: () => void) => (stream as Deflate).flush(constants.Z_SYNC_FLUSH, done) : (done: () => void) => done();
      flush(() => resolve((stream.read() as Buffer | null) ?? Buffer.alloc(0)));
    });
  });
}

const frame = (first: number, flags: number, content: Buffer): Buffer => {
  const head = Buffer.alloc(8);
  head.writeUInt32BE(first >>> 0, 0);
  head.writeUInt32BE(((flags << 24) | content.length) >>> 0, 4);
  return Buffer.concat([head, content]);
};
const control = (type: number, flags: number, content: Buffer): Buffer => frame(0x80030000 | type, flags, content);
const data = (id: number, text: string, flags = 0): Buffer => frame(id, flags, Buffer.from(text));

describe("SpdyServer", () => {
  it("reads headers that were compressed with the dictionary, over several streams", async () => {
    const client = new Client();
    client.server.receive(
      await client.synStream(1, [
        ["streamType", "error"],
        ["port", "80"],
        ["requestID", "0"],
      ]),
    );
    client.server.receive(
      await client.synStream(3, [
        ["streamType", "data"],
        ["port", "80"],
        ["requestID", "0"],
      ]),
    );
    client.server.receive(
      await client.synStream(
        5,
        Array.from({ length: 60 }, (_, at) => [`x-header-${at}`, `value ${at * 7919}`] as [string, string]),
      ),
    );
    expect(client.streams.map(({ id, headers }) => [id, headers.size, headers.get("streamtype")])).toEqual([
      [1, 3, "error"],
      [3, 3, "data"],
      [5, 60, undefined],
    ]);
    expect(client.streams[2]?.headers.get("x-header-59")).toBe("value 467221");
  });

  it("accepts a stream with headers that zlib can read", async () => {
    const client = new Client();
    client.server.receive(await client.synStream(1, [["streamType", "data"]]));
    client.server.receive(await client.synStream(3, [["streamType", "data"]]));
    const replies = client.frames.filter(({ type }) => type === 2);
    expect(replies.map(({ content }) => content.readUInt32BE(0))).toEqual([1, 3]);
    for (const { content } of replies) expect(await client.inflated(content.subarray(4))).toEqual(Buffer.from([0, 0, 0, 0]));
  });

  it("takes frames that are cut anywhere", async () => {
    const client = new Client();
    const bytes = Buffer.concat([await client.synStream(1, [["streamType", "data"]]), data(1, "hello"), data(1, "", 1)]);
    for (const byte of bytes) client.server.receive(Uint8Array.of(byte));
    expect(client.log).toEqual(["1 data hello", "1 end"]);
  });

  it("sends data in frames of at most 16 KiB, and a last one that ends the stream", async () => {
    const client = new Client();
    client.server.receive(await client.synStream(1, []));
    client.streams[0]?.write(new Uint8Array(40_000));
    client.streams[0]?.end();
    client.streams[0]?.write(Uint8Array.of(1));
    expect(client.frames.filter(({ type }) => type === "data").map(({ flags, content }) => [flags, content.length])).toEqual([
      [0, 16_384],
      [0, 16_384],
      [0, 7232],
      [1, 0],
    ]);
  });

  it("gives pings back", () => {
    const client = new Client();
    client.server.receive(control(6, 0, Buffer.from([0, 0, 0, 7])));
    expect(client.frames).toEqual([{ type: 6, flags: 0, content: Buffer.from([0, 0, 0, 7]) }]);
  });

  it("tells of a stream that was reset, and of the end", async () => {
    const client = new Client();
    client.server.receive(await client.synStream(1, []));
    client.server.receive(control(3, 0, Buffer.from([0, 0, 0, 1, 0, 0, 0, 5])));
    client.server.receive(control(7, 0, Buffer.alloc(8)));
    expect([client.log, client.isClosed]).toEqual([["1 reset"], true]);
  });

  it.each([
    { name: "headers that are not compressed", bytes: control(1, 0, Buffer.concat([Buffer.alloc(10), Buffer.from("not zlib at all")])) },
    { name: "a frame that is too long", bytes: Buffer.from([0, 0, 0, 1, 0, 255, 255, 255]) },
    { name: "a block that is too short", bytes: control(1, 0, Buffer.alloc(3)) },
  ])("ends the connection over $name", ({ bytes }) => {
    const client = new Client();
    client.server.receive(bytes);
    expect([client.isClosed, client.frames.map(({ type }) => type)]).toEqual([true, [7]]);
  });
});
