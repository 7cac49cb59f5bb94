/** busybox wget. */
import type { HeaderList, HttpResponse } from "../../api/ports.ts";
import { statusText } from "../http-status-texts.ts";
import { headerValue } from "../images/http-server.ts";
import { NoSpaceError } from "../written-files.ts";
import { type Connection, connect, endpoint, errorWords } from "./connection.ts";
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

export const wget: Tool = (context) => {
  const words = context.argv.slice(1);
  if (words.includes("--help")) return usage(context, undefined, 0);
  const options = readOptions(words, spec);
  if (options.problem) {
    const { kind, name } = options.problem;
    return usage(context, `wget: ${kind === "unknown" ? "unrecognized option" : "option requires an argument"}: ${name}`, 1);
  }
  if (options.operands.length === 0) return usage(context, undefined, 1);
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
            http: { method, path: url.path, headers: this.#headers(url, data), ...(data ? { body: data } : {}) },
          });
    if (!connection || connection.result === "no-name") throw new GivenUp(`bad address '${url.authority}'`);
    const to = endpoint(connection.ip, url.port);
    if (to !== connectedTo) this.#say(`Connecting to ${url.authority} (${to})\n`);
    if (connection.result === "failed") throw new GivenUp(this.#connectFailure(connection));
    // No emulated app speaks TLS: a plain server hangs up on its greeting.
    if (url.scheme === "https") throw new GivenUp("error getting response: Connection reset by peer");
    // Whoever accepts and says nothing lets the tool wait for its own limit, or for ever.
    if (!connection.response) throw new GivenUp("download timed out");
    this.#showHead(connection.response);
    return { response: connection.response, ip: connection.ip };
  }

  #connectFailure({ ip, error, late }: Connection & { result: "failed" }): string {
    const limit = optionValue(this.#options, "T", "timeout");
    const isOver = limit !== undefined && (error === "ETIMEDOUT" || (late && Number(limit) <= 1));
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
  #showHead({ status, headers }: HttpResponse): void {
    const line = `HTTP/1.1 ${status} ${statusText(status)}`;
    const isError = status >= 400;
    const isRedirect = status >= 300 && status < 400 && headerValue(headers, "location") !== undefined;
    if (hasOption(this.#options, "S", "server-response")) {
      this.#context.err(`  ${line}\n`);
      if (!isError) this.#context.err(`${headers.map(([name, value]) => `  ${name}: ${value}\n`).join("")}${isRedirect ? "" : "  \n"}`);
    }
    if (isError) throw new GivenUp(`server returned error: ${line}`);
  }

  #keep(typed: string, { status, body }: HttpResponse): void {
    if (hasOption(this.#options, "spider")) {
      this.#say("remote file exists\n");
      return;
    }
    const output = optionValue(this.#options, "O", "output-document");
    const path = parseURL(typed).path.split("?")[0] as string;
    const file = output ?? (path.slice(path.lastIndexOf("/") + 1) || "index.html");
    const toStdout = output === "-";
    this.#say(toStdout ? "writing to stdout\n" : `saving to '${file}'\n`);
    if (toStdout) this.#context.out(body);
    else this.#save(file, body, output === undefined);
    if (status !== 204) this.#progress(toStdout ? "-" : file.slice(file.lastIndexOf("/") + 1), body.length);
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
  #progress(file: string, bytes: number): void {
    const { terminal } = this.#context;
    const width = terminal ? terminal.columns - 48 : 32;
    const size = bytes < 100_000 ? String(bytes) : `${(bytes / 1024).toFixed(bytes < 10 * 1024 * 1024 ? 1 : 0)}k`;
    const line = `${file.slice(0, 20).padEnd(20)} 100% |${"*".repeat(width)}| ${size.padStart(5)}  0:00:00 ETA`;
    this.#say(terminal ? `\r${line}\n` : `${line}\n`);
  }

  #say(text: string): void {
    if (!this.#isQuiet) this.#context.err(text);
  }
}

function usage({ err }: ToolContext, complaint: string | undefined, code: number): number {
  err(`${complaint === undefined ? "" : `${complaint}\n`}${usageText}`);
  return code;
}

const usageText = `BusyBox v1.36.1 (2026-11-23 14:57:04 UTC) multi-call binary.

Usage: wget [-cqS] [--spider] [-O FILE] [-o LOGFILE] [--header STR]
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
