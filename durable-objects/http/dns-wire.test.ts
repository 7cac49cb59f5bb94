import dnsPacket from "dns-packet";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { DnsMessage } from "../cluster/api/dns-message.ts";
import type { DnsRecord } from "../cluster/api/network.ts";
import { fitToTransport } from "../cluster/dns/message-size.ts";
import { readRequest, writeMessage } from "./dns-wire.ts";

const label = fc.stringMatching(/^[a-z0-9_-]{1,12}$/);
const name = fc.array(label, { minLength: 1, maxLength: 5 }).map((labels) => `${labels.join(".")}.`);
/** Names that share their ends, so that there is something to compress. */
const nameInZone = fc
  .tuple(label, fc.constantFrom("svc.cluster.local.", "default.svc.cluster.local.", "example.org."))
  .map(([first, zone]) => `${first}.${zone}`);
const anyName = fc.oneof(name, nameInZone);
const number16 = fc.integer({ min: 0, max: 0xffff });

const record: fc.Arbitrary<DnsRecord> = fc
  .tuple(
    anyName,
    fc.oneof(
      fc.tuple(fc.constant("A"), fc.ipV4()),
      fc.tuple(fc.constant("AAAA"), fc.constantFrom("fd00::1", "2001:db8::a:b", "::")),
      fc.tuple(fc.constantFrom("CNAME", "NS", "PTR"), anyName),
      fc.tuple(
        fc.constant("SRV"),
        fc.tuple(number16, number16, number16, anyName).map((parts) => parts.join(" ")),
      ),
      fc.tuple(
        fc.constant("MX"),
        fc.tuple(number16, anyName).map((parts) => parts.join(" ")),
      ),
      fc.tuple(
        fc.constant("TXT"),
        fc.stringMatching(/^[a-z .]{0,40}$/).map((text) => `"${text}"`),
      ),
      fc.tuple(
        fc.constant("SOA"),
        fc.tuple(anyName, anyName, number16).map(([mname, rname, serial]) => `${mname} ${rname} ${serial} 7200 1800 86400 30`),
      ),
    ),
    fc.integer({ min: 0, max: 100_000 }),
  )
  .map(([name, [type, data], ttl]) => ({ name, type, ttl, data }));

const messageOf = (parts: Partial<DnsMessage>): DnsMessage => ({
  question: { name: "web.default.svc.cluster.local.", type: "A" },
  rcode: "NOERROR",
  aa: true,
  tc: false,
  ra: false,
  rd: true,
  cd: false,
  answer: [],
  authority: [],
  additional: [],
  compressed: false,
  octets: 0,
  source: "kubernetes",
  outside: false,
  ...parts,
});

const bare = (text: string): string => text.replace(/(.)\.$/, "$1");

/** A record as dns-packet reads it. */
function decodedOf({ name, type, ttl, data }: DnsRecord): object {
  const words = data.split(" ").map(bare);
  const numbers = words.map(Number);
  const content: Record<string, unknown> = {
    SRV: { priority: numbers[0], weight: numbers[1], port: numbers[2], target: words[3] },
    MX: { preference: numbers[0], exchange: words[1] },
    TXT: [Buffer.from(data.slice(1, -1))],
    SOA: {
      mname: words[0],
      rname: words[1],
      serial: numbers[2],
      refresh: numbers[3],
      retry: numbers[4],
      expire: numbers[5],
      minimum: numbers[6],
    },
    AAAA: expect.any(String),
  };
  return { name: bare(name), type, ttl, class: "IN", flush: false, data: content[type] ?? bare(data) };
}

describe("writeMessage", () => {
  it("writes, compressed and not, what an independent reader reads back, in as many octets as were counted", () => {
    fc.assert(
      fc.property(fc.array(record, { maxLength: 12 }), fc.constantFrom(512, 1232, 65_535), fc.boolean(), (answer, bufsize, tcp) => {
        const edns = { bufsize, version: 0, do: false, options: [{ code: 10, hex: "0011223344556677" }] };
        const question = { name: "web.default.svc.cluster.local.", type: "A", transport: tcp ? "tcp" : "udp", edns } as const;
        const message = fitToTransport(messageOf({ question, edns, answer }));
        const octets = writeMessage(message, { id: 7, opcode: 0 });
        expect(octets.length).toBe(message.octets);
        const decoded = dnsPacket.decode(Buffer.from(octets));
        expect(decoded).toMatchObject({ id: 7, flag_aa: true, flag_tc: message.tc, rcode: "NOERROR" });
        expect(decoded.answers).toEqual(message.answer.map(decodedOf));
        expect(decoded.additionals).toMatchObject([{ type: "OPT", udpPayloadSize: bufsize }]);
      }),
      { numRuns: 200 },
    );
  });

  it("spreads BADVERS over header and OPT", () => {
    const edns = { bufsize: 0, version: 0, do: false, options: [] };
    const decoded = dnsPacket.decode(Buffer.from(writeMessage(messageOf({ rcode: "BADVERS", edns }), { id: 1, opcode: 0 })));
    expect(decoded).toMatchObject({ rcode: "NOERROR", additionals: [{ type: "OPT", extendedRcode: 1 }] });
  });

  it("writes records of types without a format from their generic form", () => {
    const answer = [{ name: "x.test.", type: "TYPE65280", ttl: 5, data: "\\# 3 0a0b0c" }];
    const octets = writeMessage(messageOf({ answer }), { id: 1, opcode: 0 });
    expect([...octets.slice(-5)]).toEqual([0, 3, 10, 11, 12]);
  });
});

/** A question by hand: `labels` as octets, so that they may hold anything. */
const questionOctets = (...labels: number[][]): Uint8Array =>
  Uint8Array.from([0, 9, 1, 0x10, 0, 1, 0, 0, 0, 0, 0, 0, ...labels.flatMap((octets) => [octets.length, ...octets]), 0, 0, 28, 0, 3]);

describe("readRequest", () => {
  it("reads header bits, type and class, and tells a dot inside a label from a separator", () => {
    expect(readRequest(questionOctets([0x77, 0x2e, 0x20], [0x78]))).toEqual({
      id: 9,
      opcode: 0,
      question: { name: "w\\.\\032.x.", type: "AAAA", class: "CH", rd: true, cd: true },
    });
  });

  it("reads the OPT record of an independent writer", () => {
    const octets = dnsPacket.encode({
      type: "query",
      id: 5,
      questions: [{ name: "a.test", type: "SRV" }],
      additionals: [
        {
          type: "OPT",
          name: ".",
          udpPayloadSize: 1232,
          ednsVersion: 0,
          flags: 0x8000,
          options: [{ code: 10, data: Buffer.from("00ff", "hex") }],
        },
      ],
    });
    expect(readRequest(octets)?.question.edns).toEqual({ bufsize: 1232, version: 0, do: true, options: [{ code: 10, hex: "00ff" }] });
  });

  it.each([
    { name: "nothing", octets: [] },
    { name: "a header alone", octets: [0, 1, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0] },
    { name: "a pointer to itself", octets: [0, 1, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0xc0, 12, 0, 1, 0, 1] },
    { name: "two questions", octets: [0, 1, 1, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 1, 0, 0, 1, 0, 1] },
    { name: "records that are not there", octets: [0, 1, 1, 0, 0, 1, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0, 0, 1, 0, 1] },
  ])("refuses $name", ({ octets }) => {
    expect(readRequest(Uint8Array.from(octets))).toBeUndefined();
  });

  it("survives any octets", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 80 }), (octets) => {
        const request = readRequest(octets);
        if (request !== undefined) expect(request.question.name.endsWith(".")).toBe(true);
      }),
    );
  });
});
