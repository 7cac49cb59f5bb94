/**
 * curl's transfers: request, redirects, body. One session is one command, which may reuse its connection. What is said
 * about them is `curl-talk.ts`.
 */
import type { HeaderList, HttpResponse } from "../../api/ports.ts";
import { statusText } from "../http-status-texts.ts";
import { headerValue } from "../images/http-server.ts";
import { type Connection, connect } from "./connection.ts";
import type { CurlPlan } from "./curl-plan.ts";
import { CurlTalk, type Figures } from "./curl-talk.ts";
import type { ToolContext } from "./tool.ts";
import { basicAuthorization, type ParsedURL, parseURL, resolveLocation } from "./url.ts";

/** curl's error codes, as far as an emulated network makes them. */
class CurlError extends Error {
  readonly code: number;
  constructor(code: number, message: string) {
    super(message);
    this.code = code;
  }
}

/** The kernel gives a silent address up after this long. */
const systemTimeoutMs = 135_103;

export class CurlSession {
  readonly #context: ToolContext;
  readonly #plan: CurlPlan;
  readonly #talk: CurlTalk;
  /** Where the open connection leads: `host:port`. */
  #open: { to: string; ip: string } | undefined;

  constructor(context: ToolContext, plan: CurlPlan) {
    this.#context = context;
    this.#plan = plan;
    this.#talk = new CurlTalk(context, plan);
  }

  /** @returns the exit code */
  get(typed: string): number {
    for (let attempt = 0; ; attempt += 1) {
      const code = this.#attempt(typed);
      const canRetry = code === 28 || (code === 7 && this.#plan.retriesRefused);
      if (!canRetry || attempt >= this.#plan.retries) return code;
    }
  }

  #attempt(typed: string): number {
    const figures: Figures = { status: 0, ip: "", port: -1, bytes: 0, type: "", redirects: 0, url: typed, method: this.#plan.method };
    let failure: CurlError | undefined;
    try {
      this.#transfer(typed, figures);
    } catch (error) {
      if (!(error instanceof CurlError)) throw error;
      failure = error;
      if (this.#plan.showsErrors) this.#context.err(`curl: (${error.code}) ${error.message}\n`);
    }
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
    if (badPort !== undefined) throw this.#refused(3, "URL rejected: Port number was not a decimal number between 0 and 65535");
    if (scheme === "http" || scheme === "https") return;
    throw this.#refused(1, `Protocol "${scheme}" not supported`);
  }

  #refused(code: number, message: string): CurlError {
    this.#talk.note(message);
    this.#talk.note("closing connection #-1");
    return new CurlError(code, message);
  }

  #request(url: ParsedURL, method: string, data: Uint8Array | undefined, figures: Figures): HttpResponse {
    const { family, resolved } = this.#plan;
    const host = resolved.get(`${url.host}:${url.port}`) ?? url.host;
    const isReused = this.#open?.to === `${url.host}:${url.port}`;
    const headers = this.#headers(url, data);
    const connection = connect(this.#context, {
      host: isReused && this.#open ? this.#open.ip : host,
      port: url.port,
      // No emulated app speaks TLS: its greeting reaches a plain server.
      ...(url.scheme === "https" ? {} : { http: { method, path: url.path, headers, ...(data ? { body: data } : {}) } }),
      ...(family === undefined ? {} : { family }),
    });
    if (connection.result === "no-name") throw this.#unresolved(url.host, connection.error);
    if (isReused) this.#talk.note(`Re-using existing http: connection with host ${url.host}`);
    else this.#talk.showConnecting(url, connection, host !== url.host);
    if (connection.result === "failed") throw this.#unconnected(url, connection);
    figures.ip = connection.ip;
    figures.port = url.port;
    if (url.scheme === "http") this.#talk.showRequest(method, url, headers, data, host !== url.host && !isReused);
    if (url.scheme === "https") throw this.#noTLS();
    if (!connection.response) throw this.#unanswered();
    const { response } = connection;
    figures.status = response.status;
    figures.type = headerValue(response.headers, "content-type") ?? "";
    figures.method = method;
    const closes = headerValue(response.headers, "connection")?.toLowerCase() === "close";
    this.#open = closes ? undefined : { to: `${url.host}:${url.port}`, ip: connection.ip };
    return response;
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
      this.#talk.note(message);
      this.#talk.meterEnds(0);
      this.#talk.note("closing connection #0");
      return new CurlError(28, message);
    }
    this.#talk.note(`Could not resolve host: ${host}`);
    this.#talk.note("shutting down connection #0");
    return new CurlError(6, `Could not resolve host: ${host}`);
  }

  #unconnected({ host, port }: ParsedURL, { error }: Connection & { result: "failed" }): CurlError {
    const { maxTime, connectTimeout } = this.#plan;
    const noted = (code: number, message: string): CurlError => {
      this.#talk.note(message);
      this.#talk.meterEnds(0);
      this.#talk.note(`closing connection #${this.#talk.connection}`);
      return new CurlError(code, message);
    };
    if (error !== "ETIMEDOUT")
      return noted(7, `Failed to connect to ${host} port ${port} after ${this.#someMs(4)} ms: Could not connect to server`);
    if (maxTime !== undefined && maxTime <= (connectTimeout ?? Number.POSITIVE_INFINITY))
      return noted(28, `Connection timed out after ${maxTime * 1000 + this.#someMs(3)} milliseconds`);
    if (connectTimeout !== undefined)
      return noted(
        28,
        `Failed to connect to ${host} port ${port} after ${connectTimeout * 1000 + this.#someMs(3)} ms: Timeout was reached`,
      );
    return noted(28, `Failed to connect to ${host} port ${port} after ${systemTimeoutMs} ms: Could not connect to server`);
  }

  /** Somebody accepted and says nothing: the limit ends it, or whoever waits. */
  #unanswered(): CurlError {
    const { maxTime } = this.#plan;
    const ms = maxTime === undefined ? systemTimeoutMs : maxTime * 1000 + this.#someMs(3);
    const message = `Operation timed out after ${ms} milliseconds with 0 bytes received`;
    this.#talk.note(message);
    this.#talk.meterEnds(0);
    this.#talk.note(`closing connection #${this.#talk.connection}`);
    return new CurlError(28, message);
  }

  #noTLS(): CurlError {
    const message = "TLS connect error: error:0A00010B:SSL routines::wrong version number";
    this.#talk.note(message);
    this.#talk.meterEnds(0);
    this.#talk.note(`closing connection #${this.#talk.connection}`);
    return new CurlError(35, message);
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
    this.#talk.meterEnds(body.length);
    const closes = this.#open === undefined;
    this.#talk.note(
      closes
        ? `shutting down connection #${this.#talk.connection}`
        : `Connection #${this.#talk.connection} to host ${url.host} left intact`,
    );
    if (hasFailed) throw new CurlError(22, `The requested URL returned error: ${response.status}`);
  }

  #head({ status, headers }: HttpResponse): Uint8Array {
    const isBold = this.#context.terminal !== undefined && !this.#talk.toFile;
    const lines = headers.map(([name, value]) => (isBold ? `\u001b[1m${name}\u001b[0m: ${value}` : `${name}: ${value}`));
    return new TextEncoder().encode(`HTTP/1.1 ${status} ${statusText(status)}\r\n${lines.map((line) => `${line}\r\n`).join("")}\r\n`);
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
