import dnsPacket from "dns-packet";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { DnsMessage } from "../cluster/api/dns-message.ts";
import type { DnsRecord } from "../cluster/api/network.ts";
import { defaultOptions } from "../cluster/api/sandbox-options.ts";
import { ClusterDNS } from "../cluster/dns/cluster-dns.ts";
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

const questionOf = (octets: Uint8Array) => {
  const request = readRequest(octets);
  return typeof request === "string" ? undefined : request.question;
};

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
    expect(questionOf(octets)?.edns).toEqual({ bufsize: 1232, version: 0, do: true, options: [{ code: 10, hex: "00ff" }] });
  });

  const header = [0, 1, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0];
  const label = (octets: number): number[] => [octets, ...Array.from({ length: octets }, () => 0x61)];
  it.each([
    { name: "nothing", octets: [], reason: "shorter than the header of a DNS message" },
    { name: "a header alone", octets: header, reason: "the message ends too early" },
    { name: "a pointer to itself", octets: [...header, 0xc0, 12, 0, 1, 0, 1], reason: "a name that points in circles" },
    {
      name: "two questions",
      octets: [0, 1, 1, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 1, 0, 0, 1, 0, 1],
      reason: "2 questions instead of one",
    },
    {
      name: "records that are not there",
      octets: [0, 1, 1, 0, 0, 1, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0, 0, 1, 0, 1],
      reason: "the message ends too early",
    },
    { name: "a label of 64 octets", octets: [...header, ...label(64), 0, 0, 1, 0, 1], reason: "a label has at most 63 octets" },
    {
      name: "a name of 256 octets",
      octets: [...header, ...label(63), ...label(63), ...label(63), ...label(62), 0, 0, 1, 0, 1],
      reason: "a name has at most 255 octets with its root",
    },
  ])("refuses $name", ({ octets, reason }) => {
    expect(readRequest(Uint8Array.from(octets))).toBe(reason);
  });

  it("takes a name of 255 octets", () => {
    const octets = [...header, ...label(63), ...label(63), ...label(63), ...label(61), 0, 0, 1, 0, 1];
    expect(readRequest(Uint8Array.from(octets))).toMatchObject({ question: { type: "A", class: "IN" } });
  });
});

describe("any octets as a question", () => {
  const dns = new ClusterDNS({
    options: defaultOptions,
    upstream: { dns: () => ({ rcode: "NXDOMAIN", answers: [] }), machine: () => undefined },
  });
  /** Octets that begin like a message more often than chance would have it. */
  const octets = fc.oneof(
    fc.uint8Array({ maxLength: 80 }),
    fc
      .tuple(fc.uint8Array({ minLength: 2, maxLength: 4 }), fc.uint8Array({ maxLength: 60 }))
      .map(([head, tail]) =>
        Uint8Array.from([...head.slice(0, 2), ...head.slice(2), 0, 1, 0, 0, 0, 0, 0, 0, 3, 0x77, 0x65, 0x62, 0, 0, 1, 0, 1, ...tail]),
      ),
    fc
      .tuple(fc.array(fc.uint8Array({ minLength: 1, maxLength: 63 }), { maxLength: 3 }), number16, fc.constantFrom(1, 3, 255))
      .map(([labels, type, ofClass]) =>
        Uint8Array.from([
          0,
          7,
          1,
          0,
          0,
          1,
          0,
          0,
          0,
          0,
          0,
          0,
          ...labels.flatMap((each) => [each.length, ...each]),
          0,
          type >> 8,
          type & 255,
          0,
          ofClass,
        ]),
      ),
  );

  it("give a well-formed answer to that question, or a reason", () => {
    fc.assert(
      fc.property(octets, fc.constantFrom("udp", "tcp"), (of, transport) => {
        const request = readRequest(of);
        if (typeof request === "string") return;
        const message = dns.answer({ ...request.question, transport: transport as "udp" }, { now: 0, seed: 1 });
        const written = writeMessage(message, request);
        expect(written.length).toBe(message.octets);
        const decoded = dnsPacket.decode(Buffer.from(written));
        expect({ id: decoded.id, type: decoded.type, questions: decoded.questions?.length }).toEqual({
          id: request.id,
          type: "response",
          questions: 1,
        });
        expect(readRequest(written)).toMatchObject({ question: { name: request.question.name, type: request.question.type } });
      }),
      { numRuns: 500 },
    );
  });
});
