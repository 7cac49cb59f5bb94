/** What curl says besides the body: the lines of `-v`, the progress meter, `-w`. */
import { parseIP } from "../../api/ip-address.ts";
import type { HeaderList, HttpResponse } from "../../api/ports.ts";
import { type Connection, errorWords, statusLine } from "./connection.ts";
import { isOldCurl } from "./curl.ts";
import type { CurlPlan } from "./curl-plan.ts";
import type { ToolContext } from "./tool.ts";
import { type ParsedURL, parseURL } from "./url.ts";

/** What `-w` can print of a transfer. */
export interface Figures {
  status: number;
  ip: string;
  port: number;
  bytes: number;
  type: string;
  redirects: number;
  url: string;
  method: string;
}

const meterHead =
  "  % Total    % Received % Xferd  Average Speed   Time    Time     Time  Current\n                                 Dload  Upload   Total   Spent    Left  Speed\n";
const idleMeter = "\r  0     0    0     0    0     0      0      0 --:--:-- --:--:-- --:--:--     0";

export class CurlTalk {
  readonly #context: ToolContext;
  readonly #plan: CurlPlan;
  readonly #isOld: boolean;
  #connections = 0;

  constructor(context: ToolContext, plan: CurlPlan) {
    this.#context = context;
    this.#plan = plan;
    this.#isOld = isOldCurl(context);
  }

  /** True where the body goes into a file. */
  get toFile(): boolean {
    return (this.#plan.output !== undefined && this.#plan.output !== "-") || this.#plan.usesRemoteName;
  }

  /** Number of the connection in use, as `-v` counts them. */
  get connection(): number {
    return this.#connections - 1;
  }

  meterStarts(): void {
    this.meter(`${meterHead}${idleMeter}`);
  }

  meterEnds(bytes: number): void {
    if (this.#plan.hasBar && this.toFile) this.#context.err(`\r${"#".repeat(72)} 100.0%\n`);
    this.meter(`${bytes > 0 ? doneMeter(bytes) : idleMeter}\n`);
  }

  verbose(text: string): void {
    if (this.#plan.isVerbose) this.#context.err(text);
  }

  note(text: string): void {
    this.verbose(`* ${text}\n`);
  }

  /** The meter goes where the body does not. */
  meter(text: string): void {
    const isShown = this.#plan.hasMeter && (this.#context.terminal === undefined || this.toFile);
    if (isShown) this.#context.err(text);
  }

  /** What the name means, before the first of its addresses is tried. */
  showResolved({ host, port }: ParsedURL, addresses: readonly string[], isPinned: boolean): void {
    this.#connections += 1;
    if (isPinned) {
      this.note(`Added ${host}:${port}:${addresses[0]} to DNS cache`);
      this.note(`Hostname ${host} was found in DNS cache`);
    } else if (parseIP(host) === undefined && !this.#isOld) {
      const listed = (isSix: boolean): string => addresses.filter((ip) => ip.includes(":") === isSix).join(", ") || "(none)";
      this.note(`Host ${host}:${port} was resolved.`);
      this.note(`IPv6: ${listed(true)}`);
      this.note(`IPv4: ${listed(false)}`);
    }
  }

  showConnecting(url: ParsedURL, connection: Exclude<Connection, { result: "no-name" }>): void {
    const { host, port } = url;
    const { ip } = connection;
    this.note(`  Trying ${ip.includes(":") ? `[${ip}]` : ip}:${port}...`);
    if (connection.result === "connected") {
      this.note(`Connected to ${host} (${ip}) port ${port}${this.#isOld ? ` (#${this.connection})` : ""}`);
      if (!this.#isOld) this.note("using HTTP/1.x");
    } else if (connection.result === "failed" && connection.route.verdict === "no-route") {
      this.note(`Immediate connect fail for ${ip}: ${errorWords(this.#context, connection.error)}`);
    } else if (connection.result === "failed" && (connection.error !== "ETIMEDOUT" || !this.#plan.hasLimit)) {
      const { podIPs = [] } = this.#context.place.pod.status;
      const own = ip === "::1" || ip.startsWith("127.") ? ip : podIPs.find((each) => each.ip?.includes(":") === ip.includes(":"))?.ip;
      const from = this.#isOld ? "" : ` from ${own} port ${32_768 + this.#context.random.int(28_000)}`;
      this.note(`connect to ${ip} port ${port}${from} failed: ${errorWords(this.#context, connection.error)}`);
    }
  }

  showRequest(method: string, { path }: ParsedURL, headers: HeaderList, data: Uint8Array | undefined): void {
    const lines = [`${method} ${path} HTTP/${this.#plan.httpVersion}`, ...headers.map(([name, value]) => `${name}: ${value}`), ""];
    this.verbose(lines.map((line) => `> ${line}\r\n`).join(""));
    if (data !== undefined && data.length > 0) {
      if (!this.#context.terminal) this.verbose(`} [${data.length} bytes data]\n`);
      if (!this.#isOld) this.note(`upload completely sent off: ${data.length} bytes`);
    } else if (!this.#isOld) this.note("Request completely sent off");
  }

  /** The head of an answer; of a redirect its body is not kept. */
  showRedirect(from: ParsedURL, to: string, response: HttpResponse, staysOpen: boolean): void {
    this.showHead(response, response.body.length > 0);
    const index = this.#connections - 1;
    this.note(staysOpen ? `Connection #${index} to host ${from.host} left intact` : this.closing("shutting down"));
    const next = parseURL(to);
    if (next.port !== from.port) this.note(`Clear auth, redirects to port from ${from.port} to ${next.port}`);
    this.note(`Issue another request to this URL: '${to}'`);
  }

  /** How the end of the connection is told. */
  closing(how: "closing" | "shutting down"): string {
    return this.#isOld ? `Closing connection ${Math.max(this.connection, 0)}` : `${how} connection #${Math.max(this.connection, 0)}`;
  }

  /** @param ignoresBody a redirect that is followed: its body is read and thrown away */
  showHead(response: HttpResponse, ignoresBody: boolean): void {
    const { headers, version } = response;
    if (version === "1.0") this.note("HTTP 1.0, assume close after body");
    const lines = [statusLine(response), ...headers.map(([name, value]) => `${name}: ${value}`)];
    this.verbose(lines.map((line) => `< ${line}\r\n`).join(""));
    if (ignoresBody && !this.#isOld) {
      this.note("Ignoring the response-body");
      this.note("setting size while ignoring");
    }
    this.verbose("< \r\n");
    if (ignoresBody && this.#isOld) {
      this.note("Ignoring the response-body");
      if (!this.#context.terminal) this.verbose(`{ [${response.body.length} bytes data]\n`);
    }
  }

  /** `-w` */
  writeOut(format: string, figures: Figures, failure: { code: number; message: string } | undefined): void {
    const { place, random } = this.#context;
    const totalSeconds = 0.001 + random.next() * 0.01;
    // The phases of a transfer share its time.
    const at = (share: number): string => (totalSeconds * share).toFixed(6);
    const none = at(0);
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
      time_total: at(1),
      time_namelookup: failure?.code === 6 ? none : at(0.3),
      time_connect: figures.ip === "" ? none : at(0.5),
      time_appconnect: none,
      time_pretransfer: figures.ip === "" ? none : at(0.55),
      time_starttransfer: figures.status === 0 ? none : at(0.95),
      time_redirect: none,
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
