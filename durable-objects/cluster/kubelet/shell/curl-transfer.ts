/**
 * curl's transfers: request, redirects, body. One session is one command, which may reuse its connection. What is said
 * about them is `curl-talk.ts`.
 */

import { parseIP } from "../../api/ip-address.ts";
import type { HeaderList, HttpResponse } from "../../api/ports.ts";
import { headerValue } from "../images/http-server.ts";
import { type Connection, connect, statusLine, systemTimeoutMs, type Target } from "./connection.ts";
import { isOldCurl } from "./curl.ts";
import type { CurlPlan } from "./curl-plan.ts";
import { CurlTalk, type Figures } from "./curl-talk.ts";
import type { ToolContext } from "./tool.ts";
import { basicAuthorization, type ParsedURL, parseURL, resolveLocation } from "./url.ts";

/** curl's error codes, as far as an emulated network makes them. */
const oldBadPort = "URL using bad/illegal format or missing URL";

class CurlError extends Error {
  readonly code: number;
  constructor(code: number, message: string) {
    super(message);
    this.code = code;
  }
}

export class CurlSession {
  readonly #context: ToolContext;
  readonly #plan: CurlPlan;
  readonly #talk: CurlTalk;
  readonly #isOld: boolean;
  /** Of the last answer. */
  #status = 0;
  /** Where the open connection leads: `host:port`. */
  #open: { to: string; ip: string } | undefined;

  constructor(context: ToolContext, plan: CurlPlan) {
    this.#context = context;
    this.#plan = plan;
    this.#isOld = isOldCurl(context);
    this.#talk = new CurlTalk(context, plan);
  }

  /** @returns the exit code */
  get(typed: string): number {
    for (let attempt = 0; ; attempt += 1) {
      const code = this.#attempt(typed);
      const canRetry = code === 28 || (code === 7 && this.#plan.retriesRefused) || /^(408|429|50[0234])$/.test(String(this.#status));
      if (!canRetry || attempt >= this.#plan.retries) return code;
      this.#context.wait((this.#plan.retryDelay ?? 2 ** attempt) * 1000);
    }
  }

  #attempt(typed: string): number {
    const figures: Figures = {
      status: 0,
      ip: "",
      port: this.#isOld ? 0 : -1,
      bytes: 0,
      type: "",
      redirects: 0,
      url: typed,
      method: this.#plan.method,
    };
    let failure: CurlError | undefined;
    try {
      this.#transfer(typed, figures);
    } catch (error) {
      if (!(error instanceof CurlError)) throw error;
      failure = error;
      if (this.#plan.showsErrors) this.#context.err(`curl: (${error.code}) ${error.message}\n`);
    }
    this.#status = figures.status;
    if (this.#plan.writeOut !== undefined) this.#talk.writeOut(this.#plan.writeOut, figures, failure);
    return failure?.code ?? 0;
  }

  #transfer(typed: string, figures: Figures): void {
    let url = this.#plan.query === undefined ? typed : `${typed}${typed.includes("?") ? "&" : "?"}${this.#plan.query}`;
    let { method, data } = this.#plan;
    let meterRuns = false;
    for (let redirects = 0; ; redirects += 1) {
      const parsed = parseURL(url.replace(/^([a-z]+):\/\/\/+/, "$1://"));
      figures.url = /^[a-zA-Z][a-zA-Z0-9+.-]*:\/\//.test(url) ? url : `http://${url}`;
      if (!figures.url.slice(8).includes("/")) figures.url += "/";
      this.#refuse(parsed);
      if (!meterRuns) {
        this.#talk.meterStarts();
        meterRuns = true;
      }
      const response = this.#request(parsed, method, data, figures);
      const location = headerValue(response.headers, "location");
      const isRedirect = this.#plan.follows && response.status >= 300 && response.status < 400 && location !== undefined;
      if (!isRedirect) {
        this.#finish(typed, parsed, response, figures);
        return;
      }
      if (redirects >= this.#plan.maxRedirects) {
        this.#talk.meterEnds(0);
        throw new CurlError(47, `Maximum (${this.#plan.maxRedirects}) redirects followed`);
      }
      url = resolveLocation(figures.url, location);
      figures.redirects = redirects + 1;
      this.#talk.showRedirect(parsed, url, response, this.#open !== undefined);
      // 307 and 308 keep the method; the others turn a POST into a GET, unless -X insists.
      if (response.status < 307 && method === "POST") {
        data = undefined;
        if (!this.#plan.isMethodForced) method = "GET";
      }
    }
  }

  #refuse({ scheme, badPort }: ParsedURL): void {
    if (badPort !== undefined)
      throw this.#refused(3, this.#isOld ? oldBadPort : "URL rejected: Port number was not a decimal number between 0 and 65535");
    if (scheme === "http" || scheme === "https") return;
    throw this.#refused(1, `Protocol "${scheme}" not supported${this.#isOld ? " or disabled in libcurl" : ""}`);
  }

  #refused(code: number, message: string): CurlError {
    this.#talk.note(message);
    this.#talk.note(this.#isOld ? "Closing connection -1" : "closing connection #-1");
    return new CurlError(code, message);
  }

  #request(url: ParsedURL, method: string, data: Uint8Array | undefined, figures: Figures): HttpResponse {
    const { family, resolved } = this.#plan;
    const host = resolved.get(`${url.host}:${url.port}`) ?? url.host;
    const isReused = this.#open?.to === `${url.host}:${url.port}`;
    const headers = this.#headers(url, data);
    // What speaks 1.0 expects the server to hang up.
    const sent: HeaderList = this.#plan.httpVersion === "1.0" ? [...headers, ["Connection", "close"]] : headers;
    // No emulated app speaks TLS: its greeting reaches a plain server.
    const http = url.scheme === "https" ? {} : { http: { method, path: url.path, headers: sent, ...(data ? { body: data } : {}) } };
    const connection =
      isReused && this.#open
        ? connect(this.#context, { host: this.#open.ip, port: url.port, ...http })
        : this.#connect(url, host, { port: url.port, ...http, ...(family === undefined ? {} : { family }) });
    if (connection.result === "no-name") throw this.#unresolved(url.host, connection.error);
    if (isReused) this.#noteReuse(url.host);
    if (connection.result === "failed") throw this.#unconnected(url, connection);
    figures.ip = connection.ip;
    figures.port = url.port;
    if (url.scheme === "http") this.#talk.showRequest(method, url, headers, data);
    if (url.scheme === "https") throw this.#noTLS();
    const { response } = connection;
    if (!response) throw this.#unanswered();
    this.#awaitAnswer(response);
    figures.status = response.status;
    figures.type = headerValue(response.headers, "content-type") ?? "";
    figures.method = method;
    const closes =
      response.version === "1.0" || response.ending !== undefined || headerValue(response.headers, "connection")?.toLowerCase() === "close";
    this.#open = closes ? undefined : { to: `${url.host}:${url.port}`, ip: connection.ip };
    return response;
  }

  /** Tries the addresses of a name one after the other, IPv6 first. */
  #connect(url: ParsedURL, host: string, target: Omit<Target, "host">): Connection {
    const isPinned = host !== url.host;
    const first = connect(this.#context, { host, ...target });
    if (first.result === "no-name") return first;
    const resolved = parseIP(host) === undefined && target.family === undefined ? first.route.resolution?.addresses : undefined;
    const found = resolved ?? [first.ip];
    // The older one goes by the order of the C library.
    const isSixFirst = !this.#isOld || (found[0]?.includes(":") && host !== "localhost");
    const ofFamily = (six: boolean): string[] => found.filter((ip) => ip.includes(":") === six);
    const addresses = isSixFirst ? [...ofFamily(true), ...ofFamily(false)] : [...ofFamily(false), ...ofFamily(true)];
    this.#talk.showResolved(url, found, isPinned);
    let last: Connection = first;
    let timedOut: Connection | undefined;
    for (const ip of addresses) {
      const tried = ip === first.ip ? first : connect(this.#context, { ...target, host: ip });
      if (tried.result === "no-name") continue;
      this.#talk.showConnecting(url, tried);
      if (tried.result === "connected") return tried;
      last = tried;
      if (tried.error === "ETIMEDOUT") timedOut = tried;
    }
    return timedOut ?? last;
  }

  #noteReuse(host: string): void {
    if (!this.#isOld) {
      this.#talk.note(`Re-using existing http: connection with host ${host}`);
      return;
    }
    const address = (0x5500_0000_0000 + this.#context.random.int(0x7fff_ffff)).toString(16);
    this.#talk.note(`Found bundle for host: 0x${address} [serially]`);
    this.#talk.note("Can not multiplex, even if we wanted to");
    this.#talk.note(`Re-using existing connection #${this.#talk.connection} with host ${host}`);
  }

  /** Lets the server think, and fails where nothing of HTTP comes of it. */
  #awaitAnswer({ status, body, delayMs = 0, ending }: HttpResponse): void {
    const limitMs = (this.#plan.maxTime ?? Number.POSITIVE_INFINITY) * 1000;
    if (delayMs > limitMs || (status === 0 && ending === "stalled")) throw this.#unanswered();
    if (delayMs > 0) this.#context.wait(delayMs);
    if (status !== 0) return;
    if (body.length > 0) throw this.#broken(1, "Received HTTP/0.9 when not allowed");
    throw ending === "reset" ? this.#broken(56, "Recv failure: Connection reset by peer") : this.#broken(52, "Empty reply from server");
  }

  #broken(code: number, message: string, bytes = 0): CurlError {
    this.#talk.note(message);
    this.#talk.meterEnds(bytes);
    this.#talk.note(this.#talk.closing(code === 52 ? "shutting down" : "closing"));
    this.#open = undefined;
    return new CurlError(code, message);
  }

  /** A body that is not all that its head promised. */
  #incomplete({ headers, body, ending }: HttpResponse): void {
    const promised = headerValue(headers, "content-length");
    const missing = promised === undefined ? 0 : Number(promised) - body.length;
    if (ending === "reset") throw this.#broken(56, "Recv failure: Connection reset by peer", body.length);
    if (ending === "stalled") {
      const { maxTime } = this.#plan;
      const ms = maxTime === undefined ? systemTimeoutMs : maxTime * 1000;
      this.#context.wait(ms);
      const received = promised === undefined ? String(body.length) : `${body.length} out of ${promised}`;
      throw this.#broken(28, `Operation timed out after ${ms + this.#someMs(3)} milliseconds with ${received} bytes received`, body.length);
    }
    if (missing <= 0) return;
    throw this.#broken(
      18,
      this.#isOld ? `transfer closed with ${missing} bytes remaining to read` : `end of response with ${missing} bytes missing`,
      body.length,
    );
  }

  /** Own headers replace the standard ones in their place, or remove them where they are empty. */
  #headers(url: ParsedURL, data: Uint8Array | undefined): HeaderList {
    const { headers, userAgent, accept, user, cookie, referer, dataType } = this.#plan;
    const userinfo = user ?? url.userinfo;
    const own = new Map(headers.map(([name, value]) => [name.toLowerCase(), value]));
    const standard: [string, string | undefined][] = [
      ["Host", url.authority],
      ["Authorization", userinfo === undefined ? undefined : basicAuthorization(userinfo)],
      ["User-Agent", userAgent],
      ["Referer", referer],
      ["Accept", accept],
      ["Cookie", cookie],
    ];
    const replaceable = new Set(standard.map(([name]) => name.toLowerCase()));
    const first = standard.flatMap(([name, value]): HeaderList => {
      const shown = own.get(name.toLowerCase()) ?? value;
      return shown === undefined || shown === "" ? [] : [[name, shown]];
    });
    const added = headers.filter(([name, value]) => value !== "" && !replaceable.has(name.toLowerCase()));
    if (data === undefined) return [...first, ...added];
    const type: HeaderList = own.has("content-type") ? [] : [["Content-Type", dataType]];
    return [...first, ...added, ["Content-Length", String(data.length)], ...type];
  }

  #unresolved(host: string, error: string): CurlError {
    const { maxTime } = this.#plan;
    if (error === "temporary-failure" && maxTime !== undefined && maxTime < 5) {
      const message = `Resolving timed out after ${maxTime * 1000 + this.#someMs(3)} milliseconds`;
      this.#context.wait(maxTime * 1000);
      return this.#broken(28, message);
    }
    // The older one forgets whom it looked for where the name has no address of the family that was insisted on.
    if (this.#isOld && this.#plan.family === 6 && error === "no-address") return this.#broken(7, "Couldn't connect to server");
    this.#talk.note(`Could not resolve host: ${host}`);
    this.#talk.note(this.#talk.closing("shutting down"));
    return new CurlError(6, `Could not resolve host: ${host}`);
  }

  #unconnected({ host, port }: ParsedURL, { error }: Connection & { result: "failed" }): CurlError {
    const { maxTime, connectTimeout } = this.#plan;
    const noted = (code: number, message: string): CurlError => this.#broken(code, message);
    const noServer = this.#isOld ? "Couldn't connect to server" : "Could not connect to server";
    if (error !== "ETIMEDOUT") return noted(7, `Failed to connect to ${host} port ${port} after ${this.#someMs(4)} ms: ${noServer}`);
    this.#context.wait(Math.min(maxTime ?? systemTimeoutMs, connectTimeout ?? systemTimeoutMs, systemTimeoutMs / 1000) * 1000);
    if (maxTime !== undefined && maxTime <= (connectTimeout ?? Number.POSITIVE_INFINITY))
      return noted(28, `Connection timed out after ${maxTime * 1000 + this.#someMs(3)} milliseconds`);
    if (connectTimeout !== undefined)
      return noted(
        28,
        `Failed to connect to ${host} port ${port} after ${connectTimeout * 1000 + this.#someMs(3)} ms: Timeout was reached`,
      );
    return noted(28, `Failed to connect to ${host} port ${port} after ${systemTimeoutMs} ms: ${noServer}`);
  }

  /** Somebody accepted and says nothing: the limit ends it, or whoever waits. */
  #unanswered(): CurlError {
    const { maxTime } = this.#plan;
    const ms = maxTime === undefined ? systemTimeoutMs : maxTime * 1000 + this.#someMs(3);
    this.#context.wait(ms);
    return this.#broken(28, `Operation timed out after ${ms} milliseconds with 0 bytes received`);
  }

  #noTLS(): CurlError {
    const cause = "error:0A00010B:SSL routines::wrong version number";
    return this.#broken(35, this.#isOld ? `OpenSSL/3.0.22: ${cause}` : `TLS connect error: ${cause}`);
  }

  #someMs(below: number): number {
    return this.#context.random.int(below);
  }

  #finish(typed: string, url: ParsedURL, response: HttpResponse, figures: Figures): void {
    const { fails, isHead } = this.#plan;
    const hasFailed = fails !== undefined && response.status >= 400;
    this.#talk.showHead(response, false);
    const body = isHead || (hasFailed && fails === "quietly") ? new Uint8Array() : response.body;
    if (this.#plan.showsHead && !(hasFailed && fails === "quietly")) this.#output(typed, this.#head(response));
    figures.bytes = body.length;
    if (body.length > 0) {
      if (!this.#context.terminal || this.#talk.toFile) this.#talk.verbose(`{ [${body.length} bytes data]\n`);
      this.#output(typed, body, this.#plan.showsHead);
    } else if (this.#talk.toFile && !this.#plan.showsHead) this.#output(typed, body);
    if (!isHead && !(hasFailed && fails === "quietly")) this.#incomplete(response);
    this.#talk.meterEnds(body.length);
    const closes = this.#open === undefined;
    this.#talk.note(closes ? this.#talk.closing("shutting down") : `Connection #${this.#talk.connection} to host ${url.host} left intact`);
    if (hasFailed) throw new CurlError(22, `The requested URL returned error: ${response.status}`);
  }

  #head(response: HttpResponse): Uint8Array {
    const { headers } = response;
    const isBold = this.#context.terminal !== undefined && !this.#talk.toFile;
    const lines = headers.map(([name, value]) => (isBold ? `\u001b[1m${name}\u001b[0m: ${value}` : `${name}: ${value}`));
    return new TextEncoder().encode(`${statusLine(response)}\r\n${lines.map((line) => `${line}\r\n`).join("")}\r\n`);
  }

  #output(typed: string, data: Uint8Array, appends = false): void {
    const { output, usesRemoteName } = this.#plan;
    if (!this.#talk.toFile) {
      this.#context.out(data);
      return;
    }
    const remote = parseURL(typed).path.split("?")[0] as string;
    const name = usesRemoteName ? remote.slice(remote.lastIndexOf("/") + 1) : (output as string);
    if (name === "") throw new CurlError(23, "Failed writing body");
    const { files, cwd } = this.#context;
    const path = files.resolvePath(cwd, name);
    const before = appends ? (files.read(path) ?? new Uint8Array()) : new Uint8Array();
    const whole = new Uint8Array(before.length + data.length);
    whole.set(before);
    whole.set(data, before.length);
    try {
      files.write(path, whole);
    } catch {
      throw new CurlError(23, `client returned ERROR on write, ${data.length} bytes wanted`);
    }
  }
}
