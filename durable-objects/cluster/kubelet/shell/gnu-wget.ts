/** GNU wget 1.21 as Debian's fuller images bring it, and the choice between it and busybox's. */

import { parseIP } from "../../api/ip-address.ts";
import type { HeaderList, HttpResponse } from "../../api/ports.ts";
import { statusText } from "../http-status-texts.ts";
import { headerValue } from "../images/http-server.ts";
import { type Connection, connect, endpoint, errorWords, resolverError, statusLine, systemTimeoutMs } from "./connection.ts";
import { hasOption, type Options, optionValue, readOptions, type Tool, type ToolContext } from "./tool.ts";
import { basicAuthorization, type ParsedURL, parseURL, resolveLocation } from "./url.ts";
import { busyboxWget } from "./wget.ts";

export const wget: Tool = (context) => (context.place.image.userland.flavours.wget === "gnu" ? gnuWget(context) : busyboxWget(context));

const spec = {
  short: "qSO:o:P:U:T:t:n:dvcNrl:w:4 6",
  long: [
    "quiet",
    "server-response",
    "output-document:",
    "spider",
    "header:",
    "post-data:",
    "body-data:",
    "method:",
    "user-agent:",
    "user:",
    "password:",
    "http-user:",
    "http-password:",
    "timeout:",
    "connect-timeout:",
    "read-timeout:",
    "dns-timeout:",
    "tries:",
    "no-check-certificate",
    "no-verbose",
    "max-redirect:",
    "content-on-error",
    "version",
    "help",
    "retry-connrefused",
    "waitretry:",
    "no-proxy",
    "debug",
    "inet4-only",
    "inet6-only",
  ],
};

const usage = "Usage: wget [OPTION]... [URL]...\n\nTry `wget --help' for more options.\n";

/** Exit codes by what went wrong. */
const codes = { general: 1, use: 2, file: 3, network: 4, tls: 5, password: 6, server: 8 } as const;

class GivenUp extends Error {
  readonly code: number;
  /** Whether another try may help. */
  readonly isPassing: boolean;
  constructor(code: number, message: string, isPassing = false) {
    super(message);
    this.code = code;
    this.isPassing = isPassing;
  }
}

const gnuWget: Tool = (context) => {
  const options = readOptions(context.argv.slice(1), spec);
  if (hasOption(options, "version")) {
    context.out("GNU Wget 1.21.3 built on linux-gnu.\n");
    return 0;
  }
  if (options.problem) {
    const { kind, name, isLong } = options.problem;
    const said = isLong ? `'--${name}'` : `-- '${name}'`;
    context.err(
      `wget: ${kind === "unknown" ? (isLong ? "unrecognized option" : "invalid option") : "option requires an argument"} ${said}\n${usage}`,
    );
    return codes.use;
  }
  if (options.operands.length === 0) {
    context.err(`wget: missing URL\n${usage}`);
    return codes.general;
  }
  let code = 0;
  for (const url of options.operands) code = new GnuDownload(context, options).run(url) || code;
  return code;
};

class GnuDownload {
  readonly #context: ToolContext;
  readonly #options: Options;
  readonly #isQuiet: boolean;
  readonly #isBrief: boolean;
  readonly #tries: number;
  readonly #limitMs: number | undefined;
  /** Names that were looked up before are not looked up again. */
  readonly #resolved = new Set<string>();
  #open: string | undefined;
  /** Bytes that went to the screen. */
  #written = 0;

  constructor(context: ToolContext, options: Options) {
    this.#context = context;
    this.#options = options;
    this.#isQuiet = hasOption(options, "q", "quiet");
    this.#isBrief = hasOption(options, "no-verbose") || options.given.some(({ name, value }) => name === "n" && value === "v");
    const tries = Number(optionValue(options, "t", "tries") ?? 20);
    this.#tries = tries === 0 ? 20 : Math.min(tries, 20);
    const limit = optionValue(options, "T", "timeout");
    this.#limitMs = limit === undefined || Number(limit) === 0 ? undefined : Number(limit) * 1000;
  }

  run(typed: string): number {
    const url = /^[a-zA-Z][a-zA-Z0-9+.-]*:\/\//.test(typed) ? typed : `http://${typed}`;
    const parsed = parseURL(url);
    if (parsed.badPort !== undefined) return this.#complain(`${typed}: Bad port number.\n`, codes.general);
    if (parsed.scheme !== "http" && parsed.scheme !== "https")
      return this.#complain(`${typed}: Unsupported scheme '${parsed.scheme}'.\n`, codes.general);
    if (hasOption(this.#options, "spider")) this.#say("Spider mode enabled. Check if remote file exists.\n");
    const full = parsed.path === "/" && !url.endsWith("/") ? `${url}/` : url;
    for (let attempt = 1; ; attempt += 1) {
      try {
        return this.#attempt(full, attempt);
      } catch (error) {
        if (!(error instanceof GivenUp)) throw error;
        const isLast = attempt >= this.#tries;
        if (error.isPassing) this.#say(`${error.message}${isLast ? "Giving up.\n\n" : "Retrying.\n\n"}`);
        else this.#say(error.message);
        if (isLast || !error.isPassing) return error.code;
        this.#context.wait(Math.min(attempt, 10) * 1000);
      }
    }
  }

  #complain(text: string, code: number): number {
    this.#say(text);
    return code;
  }

  #attempt(first: string, attempt: number): number {
    let url = first;
    const most = Number(optionValue(this.#options, "max-redirect") ?? 20);
    for (let redirects = 0; ; redirects += 1) {
      this.#log(`--${this.#time()}--  ${attempt > 1 ? `(try:${String(attempt).padStart(2)})  ` : ""}${url}\n`);
      const parsed = parseURL(url);
      const response = this.#request(parsed, redirects > 0);
      const location = headerValue(response.headers, "location");
      if (response.status >= 300 && response.status < 400 && location !== undefined) {
        url = resolveLocation(url, location);
        this.#log(`Location: ${location} [following]\n`);
        if (redirects >= most) throw new GivenUp(codes.server, `${most} redirections exceeded.\n`);
        continue;
      }
      return this.#keep(first, url, response);
    }
  }

  #request(url: ParsedURL, isRedirected: boolean): HttpResponse {
    const data = this.#body();
    const method =
      optionValue(this.#options, "method") ?? (data && !isRedirected ? "POST" : hasOption(this.#options, "spider") ? "HEAD" : "GET");
    const http = { method, path: url.path, headers: this.#headers(url, data), ...(data ? { body: data } : {}) };
    const where = `${url.host}:${url.port}`;
    const connection = connect(this.#context, { host: url.host, port: url.port, ...(url.scheme === "https" ? {} : { http }) });
    if (this.#open === where && connection.result === "connected")
      this.#log(`Reusing existing connection to ${url.authority.includes(":") ? url.authority : where}.\n`);
    else this.#connecting(url, connection);
    if (connection.result !== "connected") throw new GivenUp(codes.network, "");
    if (url.scheme === "https")
      throw new GivenUp(codes.network, "GnuTLS: An unexpected TLS packet was received.\nUnable to establish SSL connection.\n");
    this.#log(`HTTP request sent, awaiting response... `);
    const response = this.#answer(connection.response);
    const closes = headerValue(response.headers, "connection")?.toLowerCase() === "close" || response.version === "1.0";
    this.#open = closes ? undefined : where;
    return response;
  }

  #connecting(url: ParsedURL, connection: Connection): void {
    const isName = parseIP(url.host) === undefined;
    if (isName && !this.#resolved.has(url.host)) {
      this.#log(`Resolving ${url.host} (${url.host})... `);
      if (connection.result === "no-name") {
        const isOver = connection.error === "temporary-failure" && this.#limitMs !== undefined;
        if (isOver) this.#context.wait(this.#limitMs ?? 0);
        const why = isOver && /silent/.test(url.host) ? "Connection timed out" : resolverError(connection.error);
        throw new GivenUp(codes.network, `failed: ${why}.\nwget: unable to resolve host address '${url.host}'\n`);
      }
      this.#log(`${(connection.route.resolution?.addresses ?? [connection.ip]).join(", ")}\n`);
      this.#resolved.add(url.host);
    }
    if (connection.result === "no-name") throw new GivenUp(codes.network, `wget: unable to resolve host address '${url.host}'\n`);
    const shown = connection.ip.includes(":") && !isName ? `[${connection.ip}]` : connection.ip;
    this.#log(
      isName
        ? `Connecting to ${url.host} (${url.host})|${shown}|:${url.port}... `
        : `Connecting to ${endpoint(connection.ip, url.port)}... `,
    );
    if (connection.result === "connected") {
      this.#log("connected.\n");
      return;
    }
    const { error, late } = connection;
    const isOver = error === "ETIMEDOUT" || (late && (this.#limitMs ?? Number.POSITIVE_INFINITY) <= 1000);
    if (isOver) {
      this.#context.wait(this.#limitMs ?? systemTimeoutMs);
      throw new GivenUp(codes.network, "failed: Connection timed out.\n", true);
    }
    throw new GivenUp(codes.network, `failed: ${errorWords(this.#context, error)}.\n`);
  }

  #answer(response: HttpResponse | undefined): HttpResponse {
    const isSilent = !response || (response.status === 0 && response.ending === "stalled");
    if (isSilent || (response.delayMs ?? 0) > (this.#limitMs ?? Number.POSITIVE_INFINITY)) {
      this.#context.wait(this.#limitMs ?? 900_000);
      throw new GivenUp(codes.network, "Read error (Connection timed out) in headers.\n", true);
    }
    if (response.delayMs) this.#context.wait(response.delayMs);
    if (response.status === 0 && response.body.length === 0)
      throw new GivenUp(
        codes.network,
        response.ending === "reset" ? "Read error (Connection reset by peer) in headers.\n" : "No data received.\n",
        true,
      );
    this.#showHead(response);
    return response;
  }

  #showHead(response: HttpResponse): void {
    const { status, headers, reason } = response;
    if (status === 0) this.#log("200 No headers, assuming HTTP/0.9\n");
    else if (hasOption(this.#options, "S", "server-response"))
      this.#log(
        `\n${[statusLine(response), ...headers.map(([name, value]) => `${name}: ${value}`)].map((line) => `  ${line}\n`).join("")}`,
      );
    else this.#log(`${status} ${reason ?? statusText(status)}\n`);
  }

  #headers(url: ParsedURL, data: Uint8Array | undefined): HeaderList {
    const own = this.#options.given
      .filter(({ name }) => name === "header")
      .map(({ value }): [string, string] => [value.slice(0, value.indexOf(":")), value.slice(value.indexOf(":") + 1).trim()]);
    const has = (name: string): boolean => own.some(([each]) => each.toLowerCase() === name);
    const user = optionValue(this.#options, "user", "http-user");
    const userinfo = user === undefined ? url.userinfo : `${user}:${optionValue(this.#options, "password", "http-password") ?? ""}`;
    const standard: HeaderList = [
      ["Host", url.authority],
      ["User-Agent", optionValue(this.#options, "U", "user-agent") ?? "Wget/1.21.3"],
      ["Accept", "*/*"],
      ["Accept-Encoding", "identity"],
      ...(userinfo === undefined ? [] : [["Authorization", basicAuthorization(userinfo)] as const]),
      ["Connection", "Keep-Alive"],
      ...(data
        ? ([
            ["Content-Type", "application/x-www-form-urlencoded"],
            ["Content-Length", String(data.length)],
          ] as const)
        : []),
    ];
    const replaced = standard.map(([name, value]): [string, string] => [
      name,
      own.find(([each]) => each.toLowerCase() === name.toLowerCase())?.[1] ?? value,
    ]);
    return [
      ...replaced,
      ...own.filter(([name]) => !standard.some(([each]) => each.toLowerCase() === name.toLowerCase()) && has(name.toLowerCase())),
    ];
  }

  #body(): Uint8Array | undefined {
    const text = optionValue(this.#options, "post-data", "body-data");
    return text === undefined ? undefined : new TextEncoder().encode(text);
  }

  #keep(typed: string, url: string, response: HttpResponse): number {
    const { status, headers, body, ending } = response;
    if (status >= 400) return this.#refused(url, response);
    const promised = headerValue(headers, "content-length");
    const type = headerValue(headers, "content-type")?.split(";")[0];
    if (status === 204) {
      this.#log("\n");
      return 0;
    }
    const lengthText =
      promised === undefined ? "unspecified" : `${promised}${Number(promised) >= 1024 ? ` (${shortSize(Number(promised))})` : ""}`;
    if (status !== 204) this.#log(`Length: ${lengthText}${type === undefined ? "" : ` [${type}]`}\n`);
    if (hasOption(this.#options, "spider")) {
      this.#log("Remote file exists.\n\n");
      return 0;
    }
    const output = optionValue(this.#options, "O", "output-document");
    const path = parseURL(typed).path;
    const file = output ?? this.#unused(path.slice(path.lastIndexOf("/") + 1) || "index.html");
    const toStdout = output === "-";
    this.#log(`Saving to: '${toStdout ? "STDOUT" : file}'\n\n`);
    if (this.#context.terminal)
      this.#log(`\r${(toStdout ? "-" : file).slice(0, 20).padEnd(20)}  0%[${" ".repeat(20)}]       0  --.-KB/s               `);
    // Another try goes on where the last one broke off.
    if (toStdout) this.#context.out(body.subarray(this.#written));
    else this.#save(file, body);
    this.#written = Math.max(this.#written, body.length);
    if (ending === "stalled") this.#context.wait(this.#limitMs ?? 900_000);
    this.#progress(toStdout ? "-" : file, body.length, promised === undefined ? undefined : Number(promised));
    const summary = `${this.#time()} (${this.#speed()})`;
    const counted = `${body.length}${promised === undefined ? "" : `/${promised}`}`;
    const broken = (why: string): GivenUp => new GivenUp(codes.network, `${summary} - ${why}. `, true);
    const at = `at byte ${counted}`;
    if (ending === "stalled") throw broken(`Read error ${at} (Connection timed out)`);
    if (ending === "reset") throw broken(`Read error ${at} (Connection reset by peer)`);
    if (promised !== undefined && Number(promised) > body.length) throw broken(`Connection closed at byte ${body.length}`);
    if (this.#isBrief) this.#say(`${this.#time()} URL:${url} [${counted}] -> "${toStdout ? "-" : file}" [1]\n`);
    else this.#log(`${summary} - ${toStdout ? "written to stdout" : `'${file}' saved`} [${counted}]\n\n`);
    return 0;
  }

  #refused(url: string, { status, reason, body }: HttpResponse): number {
    const words = reason ?? statusText(status);
    if (hasOption(this.#options, "content-on-error")) this.#context.out(body);
    if (status === 401) {
      this.#say("\nUsername/Password Authentication Failed.\n");
      return codes.password;
    }
    if (hasOption(this.#options, "spider")) {
      this.#say("Remote file does not exist -- broken link!!!\n\n");
      return codes.server;
    }
    if (this.#isBrief) this.#say(`${url}:\n`);
    this.#say(`${this.#time()} ERROR ${status}: ${words}.\n${this.#isBrief ? "" : "\n"}`);
    return codes.server;
  }

  /** A name that is taken gets a number. */
  #unused(name: string): string {
    const { files, cwd } = this.#context;
    for (let copy = 0; ; copy += 1) {
      const candidate = copy === 0 ? name : `${name}.${copy}`;
      if (!files.has(files.resolvePath(cwd, candidate))) return candidate;
    }
  }

  #save(file: string, body: Uint8Array): void {
    const { files, cwd } = this.#context;
    const folder = optionValue(this.#options, "P");
    try {
      files.write(files.resolvePath(cwd, folder === undefined ? file : `${folder}/${file}`), body);
    } catch {
      throw new GivenUp(codes.file, `${file}: No such file or directory\n`);
    }
  }

  /** Dots off a terminal, a bar on one. */
  #progress(file: string, bytes: number, total: number | undefined): void {
    const terminal = this.#context.terminal;
    if (terminal) {
      const name = file.slice(0, 20).padEnd(20);
      const size = bytes < 1024 ? String(bytes) : `${(bytes / 1024).toFixed(2)}K`;
      this.#log(`\r${name}100%[===================>] ${size.padStart(7)}  --.-KB/s    in 0s      \n\n`);
      return;
    }
    const rows = Math.max(1, Math.ceil(bytes / 51_200));
    const lines = Array.from({ length: rows }, (_, row) => {
      const dots = Math.min(50, Math.floor((bytes - row * 51_200) / 1024));
      const groups = Array.from({ length: 5 }, (_, at) => ".".repeat(Math.max(0, Math.min(10, dots - at * 10))).padEnd(10)).join(" ");
      const done =
        total === undefined
          ? ""
          : `${String(Math.min(100, Math.floor((Math.min((row + 1) * 51_200, bytes) * 100) / Math.max(total, 1)))).padStart(3)}%`;
      return `${`${row * 50}K`.padStart(7)} ${groups}${done} ${this.#rate()}${row + 1 === rows ? "=0s" : " 0s"}\n`;
    });
    this.#log(`${lines.join("")}\n`);
  }

  #rate(): string {
    return `${(1 + this.#context.random.next() * 8).toFixed(2)}M`;
  }

  #speed(): string {
    return `${(1 + this.#context.random.next() * 8).toFixed(2)} MB/s`;
  }

  #time(): string {
    return new Date(this.#context.now()).toISOString().slice(0, 19).replace("T", " ");
  }

  #say(text: string): void {
    if (!this.#isQuiet) this.#context.err(text);
  }

  /** What `-nv` leaves out. */
  #log(text: string): void {
    if (!this.#isQuiet && !this.#isBrief) this.#context.err(text);
  }
}

const shortSize = (bytes: number): string =>
  bytes < 1024 * 1024 ? `${Math.round(bytes / 1024)}K` : `${(bytes / 1024 / 1024).toFixed(1)}M`;
