/** busybox wget. */
import type { HeaderList, HttpResponse } from "../../api/ports.ts";
import { headerValue } from "../images/http-server.ts";
import { NoSpaceError } from "../written-files.ts";
import { busyboxOfPlace, busyboxPrefersFour, busyboxSince, busyboxUsage } from "./busybox.ts";
import { type Connection, connect, endpoint, errorWords, statusLine, systemTimeoutMs } from "./connection.ts";
import { hasOption, type Options, optionValue, readOptions, type Tool, type ToolContext } from "./tool.ts";
import { basicAuthorization, type ParsedURL, parseURL, resolveLocation } from "./url.ts";

const spec = {
  short: "cqSO:o:P:U:T:Y:t:n:",
  long: [
    "spider",
    "header:",
    "post-data:",
    "post-file:",
    "no-check-certificate",
    "continue",
    "quiet",
    "server-response",
    "output-document:",
    "output-file:",
    "directory-prefix:",
    "user-agent:",
    "timeout:",
    "tries:",
    "proxy:",
  ],
};
const maxRedirects = 15;
const resetWords = "Connection reset by peer";

export const busyboxWget: Tool = (context) => {
  const words = context.argv.slice(1);
  if (words.includes("--help")) return usage(context, {}, 0);
  const options = readOptions(words, spec);
  if (options.problem) return usage(context, options, 1);
  if (options.operands.length === 0) return usage(context, {}, 1);
  for (const url of options.operands) {
    const code = new Download(context, options).run(url);
    if (code !== 0) return code;
  }
  return 0;
};

/** Ends a download with a message; busybox's way out. */
class GivenUp extends Error {}

class Download {
  readonly #context: ToolContext;
  readonly #options: Options;
  readonly #isQuiet: boolean;

  constructor(context: ToolContext, options: Options) {
    this.#context = context;
    this.#options = options;
    this.#isQuiet = hasOption(options, "q", "quiet");
  }

  run(typed: string): number {
    try {
      this.#fetch(typed);
      return 0;
    } catch (error) {
      if (!(error instanceof GivenUp)) throw error;
      this.#context.err(`wget: ${error.message}\n`);
      return 1;
    }
  }

  #fetch(typed: string): void {
    let url = typed;
    let connectedTo: string | undefined;
    for (let redirects = 0; ; redirects += 1) {
      const parsed = parseURL(url);
      this.#refuse(url, parsed);
      const { response, ip } = this.#request(parsed, redirects > 0, connectedTo);
      connectedTo = endpoint(ip, parsed.port);
      const location = headerValue(response.headers, "location");
      if (response.status >= 300 && response.status < 400 && location !== undefined) {
        if (redirects >= maxRedirects) throw new GivenUp("too many redirections");
        url = resolveLocation(url, location);
        continue;
      }
      this.#keep(typed, response);
      return;
    }
  }

  #refuse(url: string, { scheme, badPort }: ParsedURL): void {
    if (scheme !== "http" && scheme !== "https" && scheme !== "ftp") throw new GivenUp(`not an http or ftp url: ${url}`);
    if (badPort !== undefined) throw new GivenUp(`bad port '${badPort}'`);
  }

  #request(url: ParsedURL, isRedirected: boolean, connectedTo: string | undefined): { response: HttpResponse; ip: string } {
    const data = this.#postData();
    const method = data !== undefined && !isRedirected ? "POST" : "GET";
    const connection =
      url.host === ""
        ? undefined
        : connect(this.#context, {
            host: url.host,
            port: url.port,
            prefersFour: busyboxPrefersFour(this.#context),
            http: { method, path: url.path, headers: this.#headers(url, data), ...(data ? { body: data } : {}) },
          });
    if (!connection || connection.result === "no-name") throw new GivenUp(`bad address '${url.authority}'`);
    const to = endpoint(connection.ip, url.port);
    if (to !== connectedTo) this.#say(`Connecting to ${url.authority} (${to})\n`);
    if (connection.result === "failed") throw new GivenUp(this.#connectFailure(connection));
    // No emulated app speaks TLS: a plain server hangs up on its greeting.
    if (url.scheme === "https") throw new GivenUp("error getting response: Connection reset by peer");
    // Whoever accepts and says nothing lets the tool wait for its own limit, or for ever.
    const { response, ip } = connection;
    const limitMs = this.#limitMs();
    const pauseMs = response?.status === 0 && response.ending === "stalled" ? Number.POSITIVE_INFINITY : (response?.delayMs ?? 0);
    if (!response || pauseMs > limitMs) {
      this.#context.wait(Math.min(limitMs, systemTimeoutMs));
      throw new GivenUp("download timed out");
    }
    if (pauseMs > 0) this.#context.wait(pauseMs);
    if (response.status === 0) throw new GivenUp(`error getting response${response.ending === "reset" ? `: ${resetWords}` : ""}`);
    this.#showHead(response);
    return { response, ip };
  }

  /** `-T`; without it the tool waits fifteen minutes. */
  #limitMs(): number {
    const limit = optionValue(this.#options, "T", "timeout");
    return limit === undefined ? 900_000 : Number(limit) * 1000;
  }

  #connectFailure({ ip, error, late }: Connection & { result: "failed" }): string {
    const limit = optionValue(this.#options, "T", "timeout");
    const isOver = limit !== undefined && (error === "ETIMEDOUT" || (late && Number(limit) <= 1));
    if (error === "ETIMEDOUT") this.#context.wait(Math.min(this.#limitMs(), systemTimeoutMs));
    if (isOver) return "download timed out";
    const shown = ip.includes(":") ? "" : ` (${ip})`;
    return `can't connect to remote host${shown}: ${errorWords(this.#context, error)}`;
  }

  #headers(url: ParsedURL, data: Uint8Array | undefined): HeaderList {
    const own = this.#options.given
      .filter(({ name }) => name === "header")
      .map(({ value }): [string, string] => {
        const colon = value.indexOf(":");
        return [value.slice(0, colon), value.slice(colon + 1).trim()];
      });
    const has = (name: string): boolean => own.some(([each]) => each.toLowerCase() === name);
    const form: HeaderList =
      data === undefined
        ? []
        : [
            ...(has("content-type") ? [] : [["Content-Type", "application/x-www-form-urlencoded"] as const]),
            ["Content-Length", String(data.length)],
          ];
    return [
      ...(has("host") ? [] : [["Host", url.authority] as const]),
      ...(has("user-agent") ? [] : [["User-Agent", optionValue(this.#options, "U", "user-agent") ?? "Wget"] as const]),
      ["Connection", "close"],
      ...(url.userinfo === undefined ? [] : [["Authorization", basicAuthorization(url.userinfo)] as const]),
      ...own,
      ...form,
    ];
  }

  #postData(): Uint8Array | undefined {
    const text = optionValue(this.#options, "post-data");
    if (text !== undefined) return new TextEncoder().encode(text);
    const file = optionValue(this.#options, "post-file");
    return file === undefined ? undefined : this.#context.files.read(this.#context.files.resolvePath(this.#context.cwd, file));
  }

  /** `-S`: of an error only the status line. */
  #showHead(response: HttpResponse): void {
    const { status, headers } = response;
    const line = statusLine(response);
    const isError = status >= 400;
    const isRedirect = status >= 300 && status < 400 && headerValue(headers, "location") !== undefined;
    if (hasOption(this.#options, "S", "server-response")) {
      this.#context.err(`  ${line}\n`);
      if (!isError) this.#context.err(`${headers.map(([name, value]) => `  ${name}: ${value}\n`).join("")}${isRedirect ? "" : "  \n"}`);
    }
    if (isError) throw new GivenUp(`server returned error: ${line}`);
  }

  #keep(typed: string, { status, headers, body, ending }: HttpResponse): void {
    if (hasOption(this.#options, "spider")) {
      this.#say("remote file exists\n");
      return;
    }
    const promised = headerValue(headers, "content-length");
    const missing = promised === undefined ? 0 : Number(promised) - body.length;
    const output = optionValue(this.#options, "O", "output-document");
    const path = parseURL(typed).path.split("?")[0] as string;
    const file = output ?? (path.slice(path.lastIndexOf("/") + 1) || "index.html");
    const toStdout = output === "-";
    this.#say(toStdout ? "writing to stdout\n" : `saving to '${file}'\n`);
    if (toStdout) this.#context.out(body);
    else this.#save(file, body, output === undefined);
    const shown = toStdout ? "-" : file.slice(file.lastIndexOf("/") + 1);
    const total = body.length + missing;
    if (ending === "reset") {
      this.#progress(shown, body.length, total);
      throw new GivenUp(`read error: ${resetWords}`);
    }
    if (ending === "stalled") {
      this.#context.wait(1000);
      this.#progress(shown, body.length, total);
      this.#context.wait(this.#limitMs());
      this.#progress(shown, body.length, total, 1 + this.#limitMs() / 1000);
      throw new GivenUp("download timed out");
    }
    if (missing > 0) throw new GivenUp("connection closed prematurely");
    if (status !== 204) this.#progress(shown, body.length);
    this.#say(toStdout ? "written to stdout\n" : `'${file}' saved\n`);
  }

  #save(file: string, body: Uint8Array, isNew: boolean): void {
    const { files, cwd } = this.#context;
    const folder = optionValue(this.#options, "P", "directory-prefix");
    const path = files.resolvePath(cwd, folder === undefined ? file : `${folder}/${file}`);
    if (isNew && files.has(path)) throw new GivenUp(`can't open '${file}': File exists`);
    try {
      files.write(path, body);
    } catch (error) {
      throw new GivenUp(
        error instanceof NoSpaceError ? "write error: No space left on device" : `can't open '${file}': No such file or directory`,
      );
    }
  }

  /** On a terminal the bar is as wide as it and is drawn over the line. */
  #progress(file: string, bytes: number, total = bytes, seconds = 1): void {
    const { terminal } = this.#context;
    const width = terminal ? terminal.columns - 48 : 32;
    const share = total === 0 ? 1 : bytes / total;
    const left = Math.floor(((total - bytes) * seconds) / Math.max(bytes, 1));
    const eta = `${Math.floor(left / 3600)}:${String(Math.floor(left / 60) % 60).padStart(2, "0")}:${String(left % 60).padStart(2, "0")}`;
    const bar = "*".repeat(Math.floor(width * share)).padEnd(width);
    const line = `${file.slice(0, 20).padEnd(20)} ${String(Math.floor(share * 100)).padStart(3)}% |${bar}| ${shortSize(bytes).padStart(5)}  ${eta} ETA`;
    this.#say(terminal ? `\r${line}\n` : `${line}\n`);
  }

  #say(text: string): void {
    if (!this.#isQuiet) this.#context.err(text);
  }
}

/** In five characters at most. */
function shortSize(bytes: number): string {
  if (bytes < 100_000) return String(bytes);
  const [value, unit] = bytes / 1024 < 10_000 ? [bytes / 1024, "k"] : [bytes / 1024 / 1024, "M"];
  return `${value < 100 ? value.toFixed(1) : Math.floor(value)}${unit}`;
}

function usage(context: ToolContext, options: Pick<Options, "problem">, code: number): number {
  // Before 1.36 as Debian builds it the limit was no option.
  const hasLimit = busyboxSince(busyboxOfPlace(context), 1, 36);
  const text = hasLimit ? usageText : usageText.replace(" [-T SEC]", "").replace(/\t-T SEC.*\n/, "");
  context.err(busyboxUsage(context, text, options));
  return code;
}

const usageText = `Usage: wget [-cqS] [--spider] [-O FILE] [-o LOGFILE] [--header STR]
	[--post-data STR | --post-file FILE] [-Y on/off]
	[--no-check-certificate] [-P DIR] [-U AGENT] [-T SEC] URL...

Retrieve files via HTTP or FTP

	--spider	Only check URL existence: $? is 0 if exists
	--header STR	Add STR (of form 'header: value') to headers
	--post-data STR	Send STR using POST method
	--post-file FILE	Send FILE using POST method
	--no-check-certificate	Don't validate the server's certificate
	-c		Continue retrieval of aborted transfer
	-q		Quiet
	-P DIR		Save to DIR (default .)
	-S    		Show server response
	-T SEC		Network read timeout is SEC seconds
	-O FILE		Save to FILE ('-' for stdout)
	-o LOGFILE	Log messages to FILE
	-U STR		Use STR for User-Agent header
	-Y on/off	Use proxy
`;
