/** curl 8.14 and 7.88: reads the command line; `curl-transfer.ts` makes the requests. */
import type { HeaderList } from "../../api/ports.ts";
import type { CurlPlan } from "./curl-plan.ts";
import { CurlSession } from "./curl-transfer.ts";
import { hasOption, type Options, optionValue, readOptions, type Tool, type ToolContext } from "./tool.ts";

const spec = {
  short: "0#46A:b:C:d:e:E:fF:gGhH:iIjJkKlLm:MnNo:OpPq:r:RsST:u:UvVw:x:X:y:Y:z:",
  long: [
    "verbose",
    "silent",
    "show-error",
    "output:",
    "remote-name",
    "write-out:",
    "head",
    "include",
    "show-headers",
    "request:",
    "data:",
    "data-raw:",
    "data-ascii:",
    "data-binary:",
    "data-urlencode:",
    "json:",
    "header:",
    "location",
    "fail",
    "fail-with-body",
    "max-time:",
    "connect-timeout:",
    "resolve:",
    "insecure",
    "user-agent:",
    "user:",
    "get",
    "max-redirs:",
    "ipv4",
    "ipv6",
    "http1.0",
    "http1.1",
    "no-buffer",
    "compressed",
    "progress-bar",
    "no-progress-meter",
    "referer:",
    "cookie:",
    "url:",
    "retry:",
    "retry-delay:",
    "retry-connrefused",
    "version",
    "help",
    "globoff",
    "no-keepalive",
    "noproxy:",
    "cacert:",
    "proxy:",
    "upload-file:",
    "create-dirs",
  ],
};

/** What Debian 12 brings along says some things in other words. */
export const isOldCurl = ({ place }: ToolContext): boolean => place.image.userland.flavours.curl === "7.88.1";

const versionOf = (context: ToolContext): string => (isOldCurl(context) ? "7.88.1" : "8.14.1");

const versionText = (context: ToolContext): string => {
  const version = versionOf(context);
  return isOldCurl(context)
    ? `curl ${version} (x86_64-pc-linux-gnu) libcurl/${version} OpenSSL/3.0.22 zlib/1.2.13 brotli/1.0.9 zstd/1.5.4 libidn2/2.3.3 libpsl/0.21.2 (+libidn2/2.3.3) libssh2/1.10.0 nghttp2/1.52.0 librtmp/2.3 OpenLDAP/2.5.13
Release-Date: 2023-02-20, security patched: 7.88.1-10+deb12u14
Protocols: dict file ftp ftps gopher gophers http https imap imaps ldap ldaps mqtt pop3 pop3s rtmp rtsp scp sftp smb smbs smtp smtps telnet tftp
Features: alt-svc AsynchDNS brotli GSS-API HSTS HTTP2 HTTPS-proxy IDN IPv6 Kerberos Largefile libz NTLM NTLM_WB PSL SPNEGO SSL threadsafe TLS-SRP UnixSockets zstd
`
    : `curl ${version} (Linux) libcurl/${version} OpenSSL/3.0.22 zlib/1.2.13 brotli/1.0.9 libidn2/2.3.3 libpsl/0.21.2 nghttp2/1.52.0
Release-Date: 2025-06-04
Protocols: file ftp ftps http https
Features: alt-svc AsynchDNS HTTP2 HTTPS-proxy IPv6 libz SSL
`;
};

export const curl: Tool = (context) => {
  const options = readOptions(context.argv.slice(1), spec);
  const badUse = (complaint: string | undefined): number => {
    context.err(
      `${complaint === undefined ? "" : `curl: ${complaint}\n`}curl: try 'curl --help'${isOldCurl(context) ? " or 'curl --manual'" : ""} for more information\n`,
    );
    return 2;
  };
  if (options.problem) {
    const { isLong, name, kind } = options.problem;
    return badUse(`option ${isLong ? "--" : "-"}${name}: ${kind === "unknown" ? "is unknown" : "requires parameter"}`);
  }
  if (hasOption(options, "V", "version")) {
    context.out(versionText(context));
    return 0;
  }
  const number = options.given.find(
    ({ name, value }) => /^(m|max-time|connect-timeout|max-redirs|retry)$/.test(name) && !/^-?\d+(\.\d+)?$/.test(value),
  );
  if (number) return badUse(`option -${number.name.length > 1 ? "-" : ""}${number.name}: expected a proper numerical parameter`);
  const urls = [...options.given.filter(({ name }) => name === "url").map(({ value }) => value), ...options.operands];
  if (urls.length === 0) return badUse(undefined);
  const session = new CurlSession(context, planOf(context, options));
  let code = 0;
  for (const url of urls) code = session.get(url);
  return code;
};

function planOf(context: ToolContext, options: Options): CurlPlan {
  const has = (...names: string[]): boolean => hasOption(options, ...names);
  const value = (...names: string[]): string | undefined => optionValue(options, ...names);
  const seconds = (...names: string[]): number | undefined => {
    const text = value(...names);
    return text === undefined || Number(text) === 0 ? undefined : Number(text);
  };
  const data = dataOf(context, options);
  const usesGet = has("G", "get");
  const isHead = has("I", "head");
  const json = value("json") !== undefined;
  return {
    method: value("X", "request") ?? (isHead ? "HEAD" : data !== undefined && !usesGet ? "POST" : "GET"),
    isMethodForced: value("X", "request") !== undefined,
    data: usesGet ? undefined : data,
    query: usesGet && data !== undefined ? new TextDecoder().decode(data) : undefined,
    dataType: json ? "application/json" : "application/x-www-form-urlencoded",
    accept: json ? "application/json" : "*/*",
    headers: options.given.filter(({ name }) => name === "H" || name === "header").map(({ value: line }) => headerOf(line)),
    userAgent: value("A", "user-agent") ?? `curl/${versionOf(context)}`,
    user: value("u", "user"),
    cookie: value("b", "cookie"),
    referer: value("e", "referer"),
    isVerbose: has("v", "verbose"),
    isSilent: has("s", "silent"),
    showsErrors: !has("s", "silent") || has("S", "show-error"),
    hasMeter: !has("s", "silent", "no-progress-meter", "#", "progress-bar"),
    hasBar: has("#", "progress-bar"),
    showsHead: isHead || has("i", "include", "show-headers"),
    isHead,
    follows: has("L", "location"),
    maxRedirects: Number(value("max-redirs") ?? 50),
    fails: has("f", "fail") ? "quietly" : has("fail-with-body") ? "with-body" : undefined,
    hasLimit: seconds("m", "max-time", "connect-timeout") !== undefined,
    maxTime: seconds("m", "max-time"),
    connectTimeout: seconds("connect-timeout"),
    family: has("6", "ipv6") ? 6 : has("4", "ipv4") ? 4 : undefined,
    httpVersion: has("0", "http1.0") ? "1.0" : "1.1",
    output: value("o", "output"),
    usesRemoteName: has("O", "remote-name"),
    writeOut: value("w", "write-out"),
    resolved: new Map(options.given.filter(({ name }) => name === "resolve").map(({ value: entry }) => resolveEntry(entry))),
    retryDelay: seconds("retry-delay"),
    retries: Number(value("retry") ?? 0),
    retriesRefused: has("retry-connrefused"),
  };
}

/** `host:port:address` */
function resolveEntry(entry: string): [string, string] {
  const [host = "", port = "", ...address] = entry.replace(/^\+/, "").split(":");
  return [`${host}:${port}`, address.join(":").replace(/^\[|\]$/g, "")];
}

function headerOf(line: string): HeaderList[number] {
  const colon = line.indexOf(":");
  if (colon < 0) return [line.replace(/;$/, ""), ""];
  return [line.slice(0, colon), line.slice(colon + 1).trim()];
}

/** Several `-d` are joined with `&`; `@file` reads a file, without its newlines except for `--data-binary`. */
function dataOf(context: ToolContext, options: Options): Uint8Array | undefined {
  const parts = options.given.filter(({ name }) => /^(d|data|data-raw|data-ascii|data-binary|data-urlencode|json)$/.test(name));
  if (parts.length === 0) return undefined;
  const texts = parts.map(({ name, value }) => {
    if (name === "data-urlencode") {
      const equals = value.indexOf("=");
      return equals < 0 ? encodeURIComponent(value) : `${value.slice(0, equals + 1)}${encodeURIComponent(value.slice(equals + 1))}`;
    }
    if (!value.startsWith("@") || name === "data-raw") return value;
    const bytes = value === "@-" ? context.stdin : context.files.read(context.files.resolvePath(context.cwd, value.slice(1)));
    const text = new TextDecoder().decode(bytes ?? new Uint8Array());
    return name === "data-binary" || name === "json" ? text : text.replace(/[\r\n]/g, "");
  });
  return new TextEncoder().encode(texts.join(parts[0]?.name === "json" ? "" : "&"));
}
