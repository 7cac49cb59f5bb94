/** hashicorp/http-echo: one text for every request. */
import { flagValue, type Program } from "../process.ts";
import { httpListener } from "./http-server.ts";
import type { Image } from "./image.ts";
import { scratch } from "./userlands.ts";

const echo: Program = ({ argv, env }) => {
  const text = flagValue(argv, "text") ?? env.ECHO_TEXT;
  if (text === undefined) return { does: "exit", afterMs: 0, code: 127, lines: ["Missing -text option!"] };
  const listen = flagValue(argv, "listen") ?? ":5678";
  const port = Number(listen.slice(listen.lastIndexOf(":") + 1));
  return {
    does: "run",
    lines: [`[INFO] server is listening on ${listen}`],
    listeners: (container) => [
      httpListener(container, port, "go", ({ pathname }) =>
        pathname === "/health"
          ? { type: "application/json; charset=utf-8", body: '{"status":"ok"}\n' }
          : {
              type: "text/plain; charset=utf-8",
              headers: [
                ["X-App-Name", "http-echo"],
                ["X-App-Version", "1.0.0"],
              ],
              body: `${text}\n`,
            },
      ),
    ],
  };
};

export const httpEcho: Image = {
  names: ["hashicorp/http-echo"],
  userland: scratch,
  sizeBytes: 3_100_405,
  entrypoint: ["/http-echo"],
  cmd: [],
  user: { name: "nonroot", id: 65532 },
  programs: { "http-echo": echo },
};
