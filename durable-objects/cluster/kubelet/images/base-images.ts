/** Images that run nothing of their own: shells and toolboxes. */
import type { Image } from "./image.ts";
import { alpine, alpineWith, busybox, debian, debianBuild } from "./userlands.ts";

export const busyboxImage: Image = { names: ["busybox"], userland: busybox, sizeBytes: 2_156_519, entrypoint: [], cmd: ["sh"] };

export const alpineImage: Image = { names: ["alpine"], userland: alpine, sizeBytes: 3_799_689, entrypoint: [], cmd: ["/bin/sh"] };

export const debianImages: Image = {
  names: ["debian", "ubuntu", "bash"],
  userland: debian(),
  sizeBytes: 48_480_153,
  entrypoint: [],
  cmd: ["bash"],
};

/** Fuller Debian: it has curl and GNU wget. */
export const buildImages: Image = {
  names: ["buildpack-deps"],
  userland: debianBuild,
  sizeBytes: 362_000_000,
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
    "entrypoint.sh": ({ argv, start }) =>
      start(argv[1] === undefined || argv[1].startsWith("-") ? ["curl", ...argv.slice(1)] : argv.slice(1)),
  },
};

export const netshoot: Image = {
  names: ["nicolaka/netshoot"],
  userland: alpineWith(["curl", "bash", "zsh", "dig", "host", "jq", "ss", "tracepath", "iptables", "iptables-save", "ipvsadm", "nft"], {
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
