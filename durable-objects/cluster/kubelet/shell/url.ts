/** URLs as command-line clients read them: a scheme is optional, everything else as typed. */
export interface ParsedURL {
  scheme: string;
  /** Without brackets. */
  host: string;
  /** Host and port as typed, with brackets: what the Host header carries. */
  authority: string;
  port: number;
  /** As typed where it is no number from 1 to 65535. */
  badPort: string | undefined;
  /** With query, without fragment. */
  path: string;
  /** `user:password` */
  userinfo: string | undefined;
}

const ports: Readonly<Record<string, number>> = { http: 80, https: 443, ftp: 21 };

export function parseURL(text: string): ParsedURL {
  const [, scheme = "http", rest = ""] = /^(?:([a-zA-Z][a-zA-Z0-9+.-]*):\/\/)?(.*)$/s.exec(text) ?? [];
  const end = rest.search(/[/?#]/);
  const beforePath = end < 0 ? rest : rest.slice(0, end);
  const path = (end < 0 ? "" : rest.slice(end)).replace(/#.*$/s, "");
  const at = beforePath.lastIndexOf("@");
  const authority = beforePath.slice(at + 1);
  const match = /^(\[[^\]]*\]|[^:]*)(?::(.*))?$/s.exec(authority);
  const [, bracketed = authority, portText] = match ?? [];
  const port = portText === undefined || portText === "" ? (ports[scheme.toLowerCase()] ?? 80) : Number(portText);
  const isPort = portText === undefined || portText === "" || (/^\d+$/.test(portText) && port > 0 && port < 65536);
  return {
    scheme: scheme.toLowerCase(),
    host: bracketed.replace(/^\[|\]$/g, ""),
    authority,
    port,
    badPort: isPort ? undefined : portText,
    path: path.startsWith("/") ? path : `/${path}`,
    userinfo: at < 0 ? undefined : beforePath.slice(0, at),
  };
}

/** Where a Location leads, seen from the URL that answered with it. */
export function resolveLocation(from: string, location: string): string {
  if (/^[a-zA-Z][a-zA-Z0-9+.-]*:\/\//.test(location)) return location;
  const { scheme, authority, path } = parseURL(from);
  if (location.startsWith("//")) return `${scheme}:${location}`;
  if (location.startsWith("/")) return `${scheme}://${authority}${location}`;
  const folder = path.split("?")[0]?.replace(/[^/]*$/, "") ?? "/";
  return `${scheme}://${authority}${folder}${location}`;
}

/** The value of an Authorization header. */
export const basicAuthorization = (userinfo: string): string =>
  `Basic ${btoa(String.fromCharCode(...new TextEncoder().encode(decodeURIComponent(userinfo))))}`;
