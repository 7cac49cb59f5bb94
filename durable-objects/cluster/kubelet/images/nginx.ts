/** nginx, with its welcome page, the files that a pod mounts over it, and its access log. */
import { fileHandler } from "../common-programs.ts";
import type { Runs } from "../process.ts";
import { httpListener, nginxPage } from "./http-server.ts";
import type { Image } from "./image.ts";
import { alpineWith, debian } from "./userlands.ts";

const root = "/usr/share/nginx/html";

const welcome = `<!DOCTYPE html>
<html>
<head>
<title>Welcome to nginx!</title>
</head>
<body>
<h1>Welcome to nginx!</h1>
<p>If you see this page, the nginx web server is successfully installed and
working.</p>
</body>
</html>
`;

const serves = (port: number): Runs => ({
  does: "run",
  lines: ["/docker-entrypoint.sh: Configuration complete; ready for start up"],
  listeners: (container) => {
    const files = fileHandler(container.readFile, root, nginxPage(404));
    return [
      httpListener(container, port, "nginx", (request, client) =>
        request.method === "GET" || request.method === "HEAD" ? files(request, client) : nginxPage(405),
      ),
    ];
  },
});

const base = {
  entrypoint: ["/docker-entrypoint.sh"],
  cmd: ["nginx", "-g", "daemon off;"],
  env: { NGINX_VERSION: "1.27.5" },
  files: { [`${root}/index.html`]: welcome },
} as const;

export const nginx: Image = {
  ...base,
  names: ["nginx"],
  userland: debian("curl"),
  sizeBytes: 72_404_038,
  programs: { nginx: () => serves(80), "docker-entrypoint.sh": () => serves(80) },
};

export const nginxUnprivileged: Image = {
  ...base,
  names: ["nginxinc/nginx-unprivileged"],
  userland: alpineWith(["curl"]),
  sizeBytes: 71_204_520,
  user: { name: "nginx", id: 101 },
  programs: { nginx: () => serves(8080), "docker-entrypoint.sh": () => serves(8080) },
};
