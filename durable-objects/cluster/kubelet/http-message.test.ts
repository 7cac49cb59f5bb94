import { describe, expect, it } from "vitest";
import { parseRequests, responseBytes } from "./http-message.ts";

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const text = (content: Uint8Array): string => new TextDecoder().decode(content);

describe("parseRequests", () => {
  it.each([
    { name: "a request without body", raw: "GET /a?b=1 HTTP/1.1\r\nHost: x\r\n\r\n", want: [["GET", "/a?b=1", ""]], rest: "" },
    {
      name: "two in a row",
      raw: "GET /1 HTTP/1.1\r\n\r\nGET /2 HTTP/1.1\r\n\r\n",
      want: [
        ["GET", "/1", ""],
        ["GET", "/2", ""],
      ],
      rest: "",
    },
    { name: "a body by its length", raw: "POST / HTTP/1.1\r\nContent-Length: 3\r\n\r\nabcGE", want: [["POST", "/", "abc"]], rest: "GE" },
    {
      name: "a body in chunks",
      raw: "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n",
      want: [["POST", "/", "abcde"]],
      rest: "",
    },
    { name: "bare line feeds", raw: "GET / HTTP/1.1\nHost: x\n\n", want: [["GET", "/", ""]], rest: "" },
    { name: "half a head", raw: "GET / HT", want: [], rest: "GET / HT" },
    {
      name: "half a body",
      raw: "POST / HTTP/1.1\r\nContent-Length: 9\r\n\r\nabc",
      want: [],
      rest: "POST / HTTP/1.1\r\nContent-Length: 9\r\n\r\nabc",
    },
    {
      name: "half a chunk",
      raw: "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab",
      want: [],
      rest: "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab",
    },
    { name: "a whole URL as target", raw: "GET http://web/x HTTP/1.1\r\n\r\n", want: [["GET", "/x", ""]], rest: "" },
  ])("reads $name", ({ raw, want, rest }) => {
    const parsed = parseRequests(bytes(raw));
    expect({
      requests: parsed.requests.map(({ method, path, body }) => [method, path, text(body)]),
      rest: text(parsed.rest),
      isGarbage: parsed.isGarbage,
    }).toEqual({
      requests: want,
      rest,
      isGarbage: false,
    });
  });

  it.each([
    { name: "a TLS greeting", raw: "\u0016\u0003\u0001\u0002\u0000" },
    { name: "a line that is no request", raw: "hello there\r\n\r\n" },
    { name: "a length that is none", raw: "POST / HTTP/1.1\r\nContent-Length: x\r\n\r\n" },
  ])("refuses $name", ({ raw }) => {
    expect(parseRequests(bytes(raw)).isGarbage).toBe(true);
  });

  it("closes after a request of HTTP/1.0", () => {
    expect(parseRequests(bytes("GET / HTTP/1.0\r\n\r\n")).requests[0]?.headers).toEqual([["Connection", "close"]]);
  });
});

describe("responseBytes", () => {
  it.each([
    {
      name: "adds a missing length",
      response: { status: 200, headers: [["A", "b"]], body: bytes("hi") },
      method: "GET",
      want: "HTTP/1.1 200 OK\r\nA: b\r\nContent-Length: 2\r\n\r\nhi",
    },
    {
      name: "leaves out the body for HEAD",
      response: { status: 200, headers: [["Content-Length", "2"]], body: bytes("hi") },
      method: "HEAD",
      want: "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n",
    },
    {
      name: "sends no length without a body",
      response: { status: 204, headers: [], body: bytes("") },
      method: "GET",
      want: "HTTP/1.1 204 No Content\r\n\r\n",
    },
  ] as const)("$name", ({ response, method, want }) => {
    expect(text(responseBytes(response, { method }))).toBe(want);
  });
});
