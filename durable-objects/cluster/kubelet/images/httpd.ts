/** Apache httpd, with its one-line page. */
import { fileHandler } from "../common-programs.ts";
import type { Runs } from "../process.ts";
import { httpListener, type Reply } from "./http-server.ts";
import type { Image } from "./image.ts";
import { debian } from "./userlands.ts";

const root = "/usr/local/apache2/htdocs";

const notFound: Reply = {
  status: 404,
  type: "text/html; charset=iso-8859-1",
  body: `<!DOCTYPE HTML PUBLIC "-//IETF//DTD HTML 2.0//EN">
<html><head>
<title>404 Not Found</title>
</head><body>
<h1>Not Found</h1>
<p>The requested URL was not found on this server.</p>
</body></html>
`,
};

const serves: Runs = {
  does: "run",
  lines: ["AH00094: Command line: 'httpd -D FOREGROUND'"],
  listeners: (container) => [httpListener(container, 80, "apache", fileHandler(container.readFile, root, notFound))],
};

export const httpd: Image = {
  names: ["httpd"],
  userland: debian(),
  sizeBytes: 58_913_408,
  entrypoint: [],
  cmd: ["httpd-foreground"],
  env: { HTTPD_VERSION: "2.4.65", HTTPD_PREFIX: "/usr/local/apache2" },
  workingDir: "/usr/local/apache2",
  files: { [`${root}/index.html`]: "<html><body><h1>It works!</h1></body></html>\n" },
  programs: { "httpd-foreground": () => serves, httpd: () => serves, apachectl: () => serves },
};
