/** Images that run nothing of their own: shells and toolboxes. */
import type { Image } from "./image.ts";
import { alpine, alpineWith, busybox, debian } from "./userlands.ts";

export const busyboxImage: Image = { names: ["busybox"], userland: busybox, sizeBytes: 2_156_519, entrypoint: [], cmd: ["sh"] };

export const alpineImage: Image = { names: ["alpine"], userland: alpine, sizeBytes: 3_799_689, entrypoint: [], cmd: ["/bin/sh"] };

export const debianImages: Image = {
  names: ["debian", "ubuntu", "bash"],
  userland: debian(),
  sizeBytes: 48_480_153,
  entrypoint: [],
  cmd: ["bash"],
};

/** Its entrypoint is curl itself: without arguments it complains and ends. */
export const curl: Image = {
  names: ["curlimages/curl", "quay.io/curl/curl"],
  userland: alpineWith(["curl"]),
  sizeBytes: 9_512_406,
  entrypoint: ["/entrypoint.sh"],
  cmd: ["curl"],
  user: { name: "curl_user", id: 100 },
  programs: {
    "entrypoint.sh": ({ argv }) => curlEnds(argv.slice(1)),
    curl: ({ argv }) => curlEnds(argv),
  },
};

const curlEnds = (argv: readonly string[]) => ({
  does: "exit" as const,
  afterMs: 0,
  code: argv.length > 1 ? 0 : 2,
  lines: argv.length > 1 ? [] : ["curl: try 'curl --help' or 'curl --manual' for more information"],
});

export const netshoot: Image = {
  names: ["nicolaka/netshoot"],
  userland: alpineWith(["curl", "bash", "zsh", "dig", "host", "jq"], {
    ping: "iputils",
    ip: "iproute2",
    nslookup: "bind",
    nc: "openbsd",
  }),
  sizeBytes: 205_110_020,
  entrypoint: [],
  cmd: ["zsh"],
  programs: { zsh: ({ container }) => (container.stdin ? { does: "run" } : { does: "exit", afterMs: 0, code: 0 }) },
};
