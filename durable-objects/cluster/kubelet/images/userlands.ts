/** The sets of commands that base images bring along. */
import type { Userland } from "./image.ts";

const everywhere = [
  "sh",
  "cat",
  "echo",
  "printf",
  "ls",
  "pwd",
  "env",
  "printenv",
  "hostname",
  "date",
  "sleep",
  "true",
  "false",
  "test",
  "[",
  "id",
  "whoami",
  "uname",
  "head",
  "tail",
  "grep",
  "egrep",
  "fgrep",
  "sed",
  "awk",
  "cut",
  "sort",
  "uniq",
  "wc",
  "tr",
  "tee",
  "xargs",
  "find",
  "mkdir",
  "rmdir",
  "rm",
  "cp",
  "mv",
  "ln",
  "touch",
  "chmod",
  "stat",
  "basename",
  "dirname",
  "readlink",
  "seq",
  "expr",
  "od",
  "base64",
  "md5sum",
  "sha256sum",
  "diff",
  "du",
  "timeout",
  "time",
  "which",
  "nohup",
  "tac",
  "rev",
  "yes",
  "nl",
  "kill",
  "stty",
  "tty",
  "tar",
];

const ofBusybox = [
  "busybox",
  "ping",
  "ping6",
  "wget",
  "nc",
  "nslookup",
  "ip",
  "ifconfig",
  "route",
  "netstat",
  "arp",
  "telnet",
  "traceroute",
  "ps",
  "top",
  "free",
  "df",
  "mount",
  "vi",
  "clear",
  "ash",
];

const busyboxFlavours = { ping: "busybox", wget: "busybox", nc: "busybox", ip: "busybox", nslookup: "busybox", ps: "busybox" };

export const alpine: Userland = {
  libc: "musl",
  tools: new Set([...everywhere, ...ofBusybox, "getent"]),
  flavours: busyboxFlavours,
};

export const busybox: Userland = {
  libc: "glibc",
  tools: new Set([...everywhere, ...ofBusybox]),
  flavours: busyboxFlavours,
};

/** Slim Debian as the server images use it: no network tools but what the image adds. */
export const debian = (...added: string[]): Userland => ({
  libc: "glibc",
  tools: new Set([...everywhere, "bash", "getent", "perl", ...added]),
  flavours: { ping: "iputils", wget: "gnu", nc: "openbsd", ip: "iproute2", nslookup: "bind", ps: "procps", curl: "7.88.1" },
});

/** Debian as the images of languages use it: with the tools of its buildpack. */
export const debianBuild: Userland = debian("curl", "wget", "git");

/** Alpine with programs added by its package manager. */
export const alpineWith = (added: readonly string[], flavours: Record<string, string> = {}): Userland => ({
  libc: "musl",
  tools: new Set([...alpine.tools, ...added]),
  flavours: { ...busyboxFlavours, ...flavours },
});

/** An image built from scratch: the program and nothing else. */
export const scratch: Userland = { libc: "glibc", tools: new Set(), flavours: {} };
