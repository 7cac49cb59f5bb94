/** kennethreitz/httpbin: the paths that tell about the request, and `/status/{code}`. */
import type { Runs } from "../process.ts";
import { type Client, type Handler, httpListener, nginxPage, type ParsedRequest, type Reply } from "./http-server.ts";
import type { Image } from "./image.ts";
import { debian } from "./userlands.ts";

const json = (value: unknown): Reply => ({
  type: "application/json",
  headers: [
    ["Access-Control-Allow-Origin", "*"],
    ["Access-Control-Allow-Credentials", "true"],
  ],
  body: `${JSON.stringify(value, undefined, 2)}\n`,
});

const headersOf = (request: ParsedRequest) => Object.fromEntries([...request.headers].sort(([a], [b]) => (a < b ? -1 : 1)));

const seen = (request: ParsedRequest, { ip }: Client) => ({
  args: Object.fromEntries(request.query),
  headers: headersOf(request),
  origin: ip,
  url: `http://${request.header("host") ?? ""}${request.path}`,
});

const withBody = (request: ParsedRequest, client: Client) => {
  const data = new TextDecoder().decode(request.body);
  const isForm = request.header("content-type")?.startsWith("application/x-www-form-urlencoded") ?? false;
  return {
    ...seen(request, client),
    data: isForm ? "" : data,
    form: isForm ? Object.fromEntries(new URLSearchParams(data)) : {},
    json: parsed(data),
  };
};

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

const handler: Handler = (request, client) => {
  const { pathname, method } = request;
  const status = /^\/status\/(\d{3})$/.exec(pathname);
  if (status) return { status: Number(status[1]), type: "text/html; charset=utf-8" };
  switch (pathname) {
    case "/get":
      return method === "GET" || method === "HEAD"
        ? json(seen(request, client))
        : { status: 405, headers: [["Allow", "GET, HEAD, OPTIONS"]] };
    case "/post":
    case "/put":
    case "/patch":
    case "/delete":
      return method === pathname.slice(1).toUpperCase() ? json(withBody(request, client)) : { status: 405 };
    case "/anything":
      return json({ ...withBody(request, client), method });
    case "/headers":
      return json({ headers: headersOf(request) });
    case "/ip":
      return json({ origin: client.ip });
    case "/user-agent":
      return json({ "user-agent": request.header("user-agent") ?? null });
    case "/":
      return {
        type: "text/html; charset=utf-8",
        body: "<!DOCTYPE html>\n<html><head><title>httpbin.org</title></head><body><h1>httpbin.org</h1></body></html>\n",
      };
    default:
      return { ...nginxPage(404), type: "text/html" };
  }
};

const serves: Runs = { does: "run", listeners: (container) => [httpListener(container, 80, "gunicorn", handler)] };

export const httpbin: Image = {
  names: ["kennethreitz/httpbin"],
  userland: debian(),
  sizeBytes: 185_700_100,
  entrypoint: [],
  cmd: ["gunicorn", "-b", "0.0.0.0:80", "httpbin:app", "-k", "gevent"],
  workingDir: "/",
  programs: { gunicorn: () => serves },
};
