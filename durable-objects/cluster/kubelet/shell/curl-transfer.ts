/**
 * curl's transfers: request, redirects, what is printed about them. One session is one command, which may reuse its
 * connection.
 */
import { parseIP } from "../../api/ip-address.ts";
import type { HeaderList, HttpResponse } from "../../api/ports.ts";
import { statusText } from "../http-status-texts.ts";
import { headerValue } from "../images/http-server.ts";
import { type Connection, connect, errorWords } from "./connection.ts";
import type { ToolContext } from "./tool.ts";
import { basicAuthorization, type ParsedURL, parseURL, resolveLocation } from "./url.ts";

export interface CurlPlan {
  method: string;
  isMethodForced: boolean;
  data: Uint8Array | undefined;
  /** `-G`: the data as part of the URL. */
  query: string | undefined;
  dataType: string;
  accept: string;
  headers: HeaderList;
  userAgent: string;
  user: string | undefined;
  cookie: string | undefined;
  referer: string | undefined;
  isVerbose: boolean;
  isSilent: boolean;
  showsErrors: boolean;
  hasMeter: boolean;
  showsHead: boolean;
  isHead: boolean;
  follows: boolean;
  maxRedirects: number;
  fails: "quietly" | "with-body" | undefined;
  maxTime: number | undefined;
  connectTimeout: number | undefined;
  family: 4 | 6 | undefined;
  httpVersion: "1.0" | "1.1";
  output: string | undefined;
  usesRemoteName: boolean;
  writeOut: string | undefined;
  /** `host:port` -> address */
  resolved: ReadonlyMap<string, string>;
  retries: number;
  retriesRefused: boolean;
}

/** curl's error codes, as far as an emulated network makes them. */
class CurlError extends Error {
  readonly code: number;
  constructor(code: number, message: string) {
    super(message);
    this.code = code;
  }
}

interface Figures {
  status: number;
  ip: string;
  port: number;
  bytes: number;
  type: string;
  redirects: number;
  url: string;
  method: string;
}

/** The kernel gives a silent address up after this long. */
const systemTimeoutMs = 135_103;

const meterHead =
  "  % Total    % Received % Xferd  Average Speed   Time    Time     Time  Current\n                                 Dload  Upload   Total   Spent    Left  Speed\n";
const idleMeter = "\r  0     0    0     0    0     0      0      0 --:--:-- --:--:-- --:--:--     0";

export class CurlSession {
  readonly #context: ToolContext;
  readonly #plan: CurlPlan;
  #connections = 0;
  /** Where the open connection leads: `host:port`. */
  #open: { to: string; ip: string } | undefined;

  constructor(context: ToolContext, plan: CurlPlan) {
    this.#context = context;
    this.#plan = plan;
  }

  /** @returns the exit code */
  fetch(typed: string): number {
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
    if (this.#plan.writeOut !== undefined) this.#writeOut(this.#plan.writeOut, figures, failure);
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
        this.#meter(`${meterHead}${idleMeter}`);
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
        this.#meter(`${idleMeter}\n`);
        throw new CurlError(47, `Maximum (${this.#plan.maxRedirects}) redirects followed`);
      }
      url = resolveLocation(figures.url, location);
      figures.redirects = redirects + 1;
      this.#showRedirect(parsed, url, response);
      // 307 and 308 keep the method; the others turn a POST into a GET, unless -X insists.
      if (response.status < 307 && method === "POST") {
        data = undefined;
        if (!this.#plan.isMethodForced) method = "GET";
      }
    }
  }

  #refuse({ scheme, badPort }: ParsedURL): void {
    if (badPort !== undefined) throw this.#refused(3, "URL rejected: Port number was not a decimal number between 0 and 65535");
    if (scheme === "http") return;
    throw this.#refused(1, `Protocol "${scheme}" not supported`);
  }

  #refused(code: number, message: string): CurlError {
    this.#note(message);
    this.#note("closing connection #-1");
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
      http: { method, path: url.path, headers, ...(data ? { body: data } : {}) },
      ...(family === undefined ? {} : { family }),
    });
    if (connection.result === "no-name") throw this.#unresolved(url.host, connection.error);
    if (isReused) this.#note(`Re-using existing http: connection with host ${url.host}`);
    else this.#showConnecting(url, connection, host !== url.host);
    if (connection.result === "failed") throw this.#unconnected(url, connection);
    figures.ip = connection.ip;
    figures.port = url.port;
    this.#showRequest(method, url, headers, data, host !== url.host && !isReused);
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
      this.#note(message);
      this.#meter(`${idleMeter}\n`);
      this.#note("closing connection #0");
      return new CurlError(28, message);
    }
    this.#note(`Could not resolve host: ${host}`);
    this.#note("shutting down connection #0");
    return new CurlError(6, `Could not resolve host: ${host}`);
  }

  #unconnected({ host, port }: ParsedURL, { error }: Connection & { result: "failed" }): CurlError {
    const { maxTime, connectTimeout } = this.#plan;
    const noted = (code: number, message: string): CurlError => {
      this.#note(message);
      this.#meter(`${idleMeter}\n`);
      this.#note(`closing connection #${this.#connections - 1}`);
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
    this.#note(message);
    this.#meter(`${idleMeter}\n`);
    this.#note(`closing connection #${this.#connections - 1}`);
    return new CurlError(28, message);
  }

  #someMs(below: number): number {
    return this.#context.random.int(below);
  }

  #finish(typed: string, url: ParsedURL, response: HttpResponse, figures: Figures): void {
    const { fails, isHead } = this.#plan;
    const hasFailed = fails !== undefined && response.status >= 400;
    this.#showHead(response, false);
    const body = isHead || (hasFailed && fails === "quietly") ? new Uint8Array() : response.body;
    if (this.#plan.showsHead && !(hasFailed && fails === "quietly")) this.#output(typed, this.#head(response));
    figures.bytes = body.length;
    if (body.length > 0) {
      if (!this.#context.terminal || this.#toFile()) this.#verbose(`{ [${body.length} bytes data]\n`);
      this.#output(typed, body, this.#plan.showsHead);
    } else if (this.#toFile() && !this.#plan.showsHead) this.#output(typed, body);
    this.#meter(`${body.length > 0 ? doneMeter(body.length) : idleMeter}\n`);
    const closes = this.#open === undefined;
    this.#note(
      closes
        ? `shutting down connection #${this.#connections - 1}`
        : `Connection #${this.#connections - 1} to host ${url.host} left intact`,
    );
    if (hasFailed) throw new CurlError(22, `The requested URL returned error: ${response.status}`);
  }

  #head({ status, headers }: HttpResponse): Uint8Array {
    const isBold = this.#context.terminal !== undefined && !this.#toFile();
    const lines = headers.map(([name, value]) => (isBold ? `\u001b[1m${name}\u001b[0m: ${value}` : `${name}: ${value}`));
    return new TextEncoder().encode(`HTTP/1.1 ${status} ${statusText(status)}\r\n${lines.map((line) => `${line}\r\n`).join("")}\r\n`);
  }

  #toFile(): boolean {
    return (this.#plan.output !== undefined && this.#plan.output !== "-") || this.#plan.usesRemoteName;
  }

  #output(typed: string, data: Uint8Array, appends = false): void {
    const { output, usesRemoteName } = this.#plan;
    if (!this.#toFile()) {
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

  // ---- what -v shows

  #verbose(text: string): void {
    if (this.#plan.isVerbose) this.#context.err(text);
  }

  #note(text: string): void {
    this.#verbose(`* ${text}\n`);
  }

  /** The meter goes where the body does not. */
  #meter(text: string): void {
    const isShown = this.#plan.hasMeter && (this.#context.terminal === undefined || this.#toFile());
    if (isShown) this.#context.err(text);
  }

  #showConnecting(
    url: ParsedURL,
    connection: Connection & { ip: string; route: { resolution?: { addresses: string[] } } },
    isPinned: boolean,
  ): void {
    this.#connections += 1;
    const { host, port } = url;
    if (isPinned) {
      this.#note(`Added ${host}:${port}:${connection.ip} to DNS cache`);
      this.#note(`Hostname ${host} was found in DNS cache`);
    } else if (parseIP(host) === undefined) {
      const addresses = connection.route.resolution?.addresses ?? [connection.ip];
      const listed = (isSix: boolean): string => addresses.filter((ip) => ip.includes(":") === isSix).join(", ") || "(none)";
      this.#note(`Host ${host}:${port} was resolved.`);
      this.#note(`IPv6: ${listed(true)}`);
      this.#note(`IPv4: ${listed(false)}`);
    }
    const ip = connection.ip;
    this.#note(`  Trying ${ip.includes(":") ? `[${ip}]` : ip}:${port}...`);
    if (connection.result === "connected") {
      this.#note(`Connected to ${host} (${ip}) port ${port}`);
      this.#note("using HTTP/1.x");
    } else if (connection.result === "failed" && connection.route.verdict === "no-route") {
      this.#note(`Immediate connect fail for ${ip}: ${errorWords(this.#context, connection.error)}`);
    } else if (connection.result === "failed" && connection.error !== "ETIMEDOUT") {
      const own = this.#context.place.pod.status.podIP ?? "";
      const source = 32_768 + this.#context.random.int(28_000);
      this.#note(`connect to ${ip} port ${port} from ${own} port ${source} failed: ${errorWords(this.#context, connection.error)}`);
    }
  }

  #showRequest(method: string, { path }: ParsedURL, headers: HeaderList, data: Uint8Array | undefined, isPinned: boolean): void {
    const lines = [`${method} ${path} HTTP/${this.#plan.httpVersion}`, ...headers.map(([name, value]) => `${name}: ${value}`), ""];
    this.#verbose(lines.map((line) => `> ${line}\r\n`).join(""));
    if (data !== undefined && data.length > 0) {
      if (!this.#context.terminal) this.#verbose(`} [${data.length} bytes data]\n`);
      this.#note(`upload completely sent off: ${data.length} bytes`);
    } else if (!isPinned) this.#note("Request completely sent off");
  }

  /** The head of an answer; of a redirect its body is not kept. */
  #showRedirect(from: ParsedURL, to: string, response: HttpResponse): void {
    this.#showHead(response, response.body.length > 0);
    const index = this.#connections - 1;
    this.#note(this.#open ? `Connection #${index} to host ${from.host} left intact` : `shutting down connection #${index}`);
    const next = parseURL(to);
    if (next.port !== from.port) this.#note(`Clear auth, redirects to port from ${from.port} to ${next.port}`);
    this.#note(`Issue another request to this URL: '${to}'`);
  }

  #showHead({ status, headers }: HttpResponse, ignoresBody: boolean): void {
    const lines = [`HTTP/1.1 ${status} ${statusText(status)}`, ...headers.map(([name, value]) => `${name}: ${value}`)];
    this.#verbose(lines.map((line) => `< ${line}\r\n`).join(""));
    if (ignoresBody) {
      this.#note("Ignoring the response-body");
      this.#note("setting size while ignoring");
    }
    this.#verbose("< \r\n");
  }

  #writeOut(format: string, figures: Figures, failure: CurlError | undefined): void {
    const { place, random } = this.#context;
    const total = (0.001 + random.next() * 0.01).toFixed(6);
    const values: Record<string, string> = {
      http_code: String(figures.status).padStart(3, "0"),
      response_code: String(figures.status).padStart(3, "0"),
      remote_ip: figures.ip,
      remote_port: String(figures.port),
      local_ip: figures.ip === "" ? "" : (place.pod.status.podIP ?? ""),
      size_download: String(figures.bytes),
      content_type: figures.type,
      num_redirects: String(figures.redirects),
      num_connects: String(this.#connections),
      url_effective: figures.url,
      url: figures.url,
      method: figures.method,
      scheme: "http",
      http_version: this.#plan.httpVersion === "1.0" ? "1" : "1.1",
      exitcode: String(failure?.code ?? 0),
      errormsg: failure?.message ?? "",
      time_total: total,
      time_namelookup: failure?.code === 6 ? "0.000000" : "0.000412",
      time_connect: figures.ip === "" ? "0.000000" : "0.000731",
      time_appconnect: "0.000000",
      time_pretransfer: figures.ip === "" ? "0.000000" : "0.000802",
      time_starttransfer: figures.status === 0 ? "0.000000" : total,
      time_redirect: "0.000000",
    };
    const text = format.replace(/%\{([a-z_.]+)\}/g, (_, name: string) => values[name] ?? "").replace(/%%/g, "%");
    this.#context.out(text.replace(/\\([nrt])/g, (_, letter: string) => ({ n: "\n", r: "\r", t: "\t" })[letter] ?? letter));
  }
}

/** The last state of the meter of a transfer that took no time to speak of. */
function doneMeter(bytes: number): string {
  const size = bytes < 100_000 ? String(bytes) : `${Math.floor(bytes / 1024)}k`;
  const speed = String(bytes * 100).slice(0, 6);
  return `\r100 ${size.padStart(5)}  100 ${size.padStart(5)}    0     0 ${speed.padStart(6)}      0 --:--:-- --:--:-- --:--:-- ${speed.padStart(5)}`;
}
