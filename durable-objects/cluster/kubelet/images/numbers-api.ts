/** kiamol/ch03-numbers-api: a web API that answers a random number. */
import type { Runs } from "../process.ts";
import { type Handler, httpListener } from "./http-server.ts";
import type { Image } from "./image.ts";
import { debian } from "./userlands.ts";

/** The path of the API, and the one that the chapter's file on GitHub has. */
const numberPaths = new Set(["/rng", "/sixeyed/kiamol/master/ch03/numbers/rng"]);

const serves: Runs = {
  does: "run",
  lines: [
    "info: Microsoft.Hosting.Lifetime[14]",
    "      Now listening on: http://[::]:80",
    "info: Microsoft.Hosting.Lifetime[0]",
    "      Application started. Press Ctrl+C to shut down.",
  ],
  listeners: (container) => {
    const handler: Handler = ({ pathname }) => {
      if (numberPaths.has(pathname)) return { type: "application/json; charset=utf-8", body: String(container.random.int(100)) };
      if (pathname === "/health" || pathname === "/healthz") return { type: "text/plain", body: "Ok" };
      return { status: 404 };
    };
    return [httpListener(container, 80, "kestrel", handler)];
  },
};

export const numbersApi: Image = {
  names: ["kiamol/ch03-numbers-api"],
  userland: debian("curl"),
  sizeBytes: 85_410_233,
  entrypoint: ["dotnet", "/app/Numbers.Api.dll"],
  cmd: [],
  env: { ASPNETCORE_URLS: "http://+:80", DOTNET_RUNNING_IN_CONTAINER: "true" },
  workingDir: "/app",
  programs: { dotnet: () => serves },
};
