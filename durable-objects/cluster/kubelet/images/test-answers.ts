/** What the images of the catalog answer: the table of `docs/reference/images.md`, every row of which is tested. */

export interface Answer {
  image: string;
  args?: string[];
  port: number;
  /** Method and path. */
  ask: string;
  status: number;
  /** Empty: none is sent. */
  type: string;
  /** Names, in the order in which they are sent. */
  headers: string;
  /** Whether the container's log gets a line. */
  log: boolean;
}

export const answers: readonly Answer[] = [
  {
    image: "kiamol/ch03-numbers-api",
    port: 80,
    ask: "GET /sixeyed/kiamol/master/ch03/numbers/rng",
    status: 200,
    type: "application/json; charset=utf-8",
    headers: "Content-Length, Content-Type, Date, Server",
    log: false,
  },
  {
    image: "kiamol/ch03-numbers-api",
    port: 80,
    ask: "GET /rng",
    status: 200,
    type: "application/json; charset=utf-8",
    headers: "Content-Length, Content-Type, Date, Server",
    log: false,
  },
  {
    image: "kiamol/ch03-numbers-api",
    port: 80,
    ask: "GET /healthz",
    status: 200,
    type: "text/plain",
    headers: "Content-Length, Content-Type, Date, Server",
    log: false,
  },
  {
    image: "kiamol/ch03-numbers-api",
    port: 80,
    ask: "GET /other",
    status: 404,
    type: "",
    headers: "Content-Length, Date, Server",
    log: false,
  },
  {
    image: "nginx",
    port: 80,
    ask: "GET /",
    status: 200,
    type: "text/html",
    headers: "Server, Date, Content-Type, Content-Length, Connection",
    log: true,
  },
  {
    image: "nginx",
    port: 80,
    ask: "HEAD /",
    status: 200,
    type: "text/html",
    headers: "Server, Date, Content-Type, Content-Length, Connection",
    log: true,
  },
  {
    image: "nginx",
    port: 80,
    ask: "POST /",
    status: 405,
    type: "text/html",
    headers: "Server, Date, Content-Type, Content-Length, Connection",
    log: true,
  },
  {
    image: "nginx",
    port: 80,
    ask: "GET /nope",
    status: 404,
    type: "text/html",
    headers: "Server, Date, Content-Type, Content-Length, Connection",
    log: true,
  },
  {
    image: "nginxinc/nginx-unprivileged",
    port: 8080,
    ask: "GET /",
    status: 200,
    type: "text/html",
    headers: "Server, Date, Content-Type, Content-Length, Connection",
    log: true,
  },
  {
    image: "nginxinc/nginx-unprivileged",
    port: 8080,
    ask: "GET /nope",
    status: 404,
    type: "text/html",
    headers: "Server, Date, Content-Type, Content-Length, Connection",
    log: true,
  },
  {
    image: "httpd",
    port: 80,
    ask: "GET /",
    status: 200,
    type: "text/html",
    headers: "Date, Server, Content-Length, Content-Type",
    log: true,
  },
  {
    image: "httpd",
    port: 80,
    ask: "GET /nope",
    status: 404,
    type: "text/html; charset=iso-8859-1",
    headers: "Date, Server, Content-Length, Content-Type",
    log: true,
  },
  {
    image: "hashicorp/http-echo",
    args: ["-text=hi"],
    port: 5678,
    ask: "GET /any",
    status: 200,
    type: "text/plain; charset=utf-8",
    headers: "X-App-Name, X-App-Version, Date, Content-Length, Content-Type",
    log: false,
  },
  {
    image: "traefik/whoami",
    port: 80,
    ask: "GET /",
    status: 200,
    type: "text/plain; charset=utf-8",
    headers: "Date, Content-Length, Content-Type",
    log: false,
  },
  {
    image: "traefik/whoami",
    port: 80,
    ask: "GET /api",
    status: 200,
    type: "application/json",
    headers: "Date, Content-Length, Content-Type",
    log: false,
  },
  { image: "traefik/whoami", port: 80, ask: "GET /health", status: 200, type: "", headers: "Date, Content-Length", log: false },
  {
    image: "registry.k8s.io/e2e-test-images/agnhost:2.53",
    args: ["netexec"],
    port: 8080,
    ask: "GET /",
    status: 200,
    type: "text/plain; charset=utf-8",
    headers: "Date, Content-Length, Content-Type",
    log: false,
  },
  {
    image: "registry.k8s.io/e2e-test-images/agnhost:2.53",
    args: ["netexec"],
    port: 8080,
    ask: "GET /hostname",
    status: 200,
    type: "text/plain; charset=utf-8",
    headers: "Date, Content-Length, Content-Type",
    log: false,
  },
  {
    image: "registry.k8s.io/e2e-test-images/agnhost:2.53",
    args: ["netexec"],
    port: 8080,
    ask: "GET /clientip",
    status: 200,
    type: "text/plain; charset=utf-8",
    headers: "Date, Content-Length, Content-Type",
    log: false,
  },
  {
    image: "registry.k8s.io/e2e-test-images/agnhost:2.53",
    args: ["netexec"],
    port: 8080,
    ask: "GET /healthz",
    status: 200,
    type: "text/plain; charset=utf-8",
    headers: "Date, Content-Length, Content-Type",
    log: false,
  },
  {
    image: "registry.k8s.io/e2e-test-images/agnhost:2.53",
    args: ["netexec"],
    port: 8080,
    ask: "GET /nope",
    status: 404,
    type: "text/plain; charset=utf-8",
    headers: "X-Content-Type-Options, Date, Content-Length, Content-Type",
    log: false,
  },
  {
    image: "kennethreitz/httpbin",
    port: 80,
    ask: "GET /get",
    status: 200,
    type: "application/json",
    headers: "Server, Date, Connection, Content-Type, Content-Length, Access-Control-Allow-Origin, Access-Control-Allow-Credentials",
    log: false,
  },
  {
    image: "kennethreitz/httpbin",
    port: 80,
    ask: "POST /post",
    status: 200,
    type: "application/json",
    headers: "Server, Date, Connection, Content-Type, Content-Length, Access-Control-Allow-Origin, Access-Control-Allow-Credentials",
    log: false,
  },
  {
    image: "kennethreitz/httpbin",
    port: 80,
    ask: "GET /status/418",
    status: 418,
    type: "text/html; charset=utf-8",
    headers: "Server, Date, Connection, Content-Type, Content-Length",
    log: false,
  },
  {
    image: "kennethreitz/httpbin",
    port: 80,
    ask: "GET /headers",
    status: 200,
    type: "application/json",
    headers: "Server, Date, Connection, Content-Type, Content-Length, Access-Control-Allow-Origin, Access-Control-Allow-Credentials",
    log: false,
  },
  {
    image: "kennethreitz/httpbin",
    port: 80,
    ask: "GET /nope",
    status: 404,
    type: "text/html",
    headers: "Server, Date, Connection, Content-Type, Content-Length",
    log: false,
  },
  {
    image: "shop/cart:7",
    port: 3000,
    ask: "GET /",
    status: 200,
    type: "text/plain; charset=utf-8",
    headers: "Date, Content-Length, Content-Type",
    log: false,
  },
  {
    image: "shop/cart:7",
    port: 3000,
    ask: "POST /orders",
    status: 200,
    type: "text/plain; charset=utf-8",
    headers: "Date, Content-Length, Content-Type",
    log: false,
  },
];

/** The reference as a page. */
export function referencePage(): string {
  const images = [...new Set(answers.map(({ image }) => image))];
  const table = (image: string): string => {
    const own = answers.filter((answer) => answer.image === image);
    const args = own[0]?.args;
    const title = image === "shop/cart:7" ? "Any other image (here `shop/cart:7`, with a declared port 3000)" : `\`${image}\``;
    const rows = own.map(
      ({ port, ask, status, type, headers, log }) =>
        `| ${port} | \`${ask}\` | ${status} | ${type === "" ? "-" : `\`${type}\``} | ${headers} | ${log ? "a line" : "nothing"} |`,
    );
    const started = args === undefined ? "" : `Started with \`${args.join(" ")}\`.\n\n`;
    return `## ${title}\n\n${started}| port | request | status | type | headers, in order | log |\n| --- | --- | --- | --- | --- | --- |\n${rows.join("\n")}\n`;
  };
  return `# What the images answer\n\n${intro}\n\n${images.map(table).join("\n")}`;
}

const intro = `Every row is a test (\`kubelet/images/answers.test.ts\`), and this page is written from the same rows: \`UPDATE=1 npx vitest run
durable-objects/cluster/kubelet/images/answers.test.ts\`. An image that the catalog
does not have listens on the ports that the pod declares and says who answered.`;
