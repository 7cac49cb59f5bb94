/** Which captured programs the images of the catalog bring along, and which samples stay out, each with its reason. */
import type { Sample } from "./golden-tools.ts";

/** Where a captured program is found. */
export interface Make {
  image: string;
  /** The sample was taken with another C library than the image has: the words of the errors are those of this one. */
  libc?: "glibc" | "musl";
  /** Programs that somebody has to install on top of the image, and their makes. */
  added?: string[];
  flavours?: Record<string, string>;
}

/** A program of Debian's archive on the slim image. */
const debian = (flavours: Record<string, string>, ...added: string[]): Make => ({ image: "debian", added, flavours });

const inImage = (variant: string, make: Make, ...tools: string[]): [string, Make][] => tools.map((tool) => [`${tool} ${variant}`, make]);

export const makes: Readonly<Record<string, Make>> = Object.fromEntries([
  ...inImage(
    "busybox 1.36.1 (musl)",
    { image: "alpine" },
    ...["arp", "cat", "curl", "hostname", "ifconfig", "ip", "nc", "netstat", "ping", "route", "telnet", "traceroute", "wget"],
  ),
  ...inImage("busybox 1.36.1 (glibc)", { image: "busybox:1.36" }, "nc", "ping", "hostname", "wget"),
  ...inImage("busybox 1.35.0 (glibc)", { image: "busybox:1.35.0" }, "nc", "ping", "telnet", "traceroute", "wget"),
  ...inImage("curl 7.88.1", { image: "nginx" }, "curl"),
  ...inImage("curl 8.14.1", { image: "curlimages/curl", libc: "glibc" }, "curl"),
  ...inImage("curl 8.14.1 (c-ares)", { image: "curlimages/curl", libc: "glibc" }, "curl"),
  ...inImage("curl 8.14.1 (musl, no TLS)", { image: "curlimages/curl" }, "curl"),
  ...inImage("iputils 20221126", { image: "nicolaka/netshoot", libc: "glibc" }, "ping"),
  ...inImage("netcat-openbsd 1.219", { image: "nicolaka/netshoot", libc: "glibc" }, "nc"),
  ...inImage("iproute2 6.1.0", { image: "nicolaka/netshoot", libc: "glibc" }, "ip", "ss"),
  ...inImage("iputils tracepath 20221126", debian({}, "tracepath"), "tracepath"),
  ...inImage("GNU wget 1.21.3", { image: "buildpack-deps" }, "wget"),
  ...inImage("inetutils-telnet 2.4", debian({ telnet: "inetutils" }, "telnet"), "telnet"),
  ...inImage("traceroute 2.1.2", debian({ traceroute: "debian" }, "traceroute"), "traceroute"),
  ...inImage(
    "net-tools 2.10",
    debian({ ifconfig: "net-tools" }, "arp", "ifconfig", "route", "netstat"),
    ...["arp", "ifconfig", "route", "netstat"],
  ),
  ...inImage("hostname 3.23", { image: "debian" }, "hostname"),
  ...inImage("iptables 1.8.9 (nf_tables)", { image: "nicolaka/netshoot" }, "iptables", "iptables-save", "nft"),
  ...inImage("nftables 1.0.6", { image: "nicolaka/netshoot" }, "nft"),
  ...inImage("bash 5.2", { image: "debian" }, "bash", "sh"),
]);

interface Case {
  situation: string;
  words: string;
  pod: string;
  make: string;
}

const about = (pattern: RegExp, reason: string): { reason: string; when(sample: Case): boolean } => ({
  reason,
  when: ({ situation, words, pod, make }) => pattern.test(`${make} | ${situation} | ${pod} | ${words}`),
});

const reasons = [
  about(/^nft iptables/, "rules of the iptables proxy as nft sees them are not emulated"),
  about(/nft list (ruleset|table ip kube-proxy)$/, "objects are listed in the order they were made, which loading the capture changed"),
  about(/nft -[aj] /, "handles and JSON of nft are not emulated"),
  about(
    /https:\/\/(secure|kubernetes|\$KUB|10\.244\.1\.8:844)|-v https:|busybox.*https:\/\/10\.244\.1\.8:80/,
    "no emulated app speaks TLS",
  ),
  about(/bridged|\| b1 \|/, "the emulated pod network is routed, as kind's is; none is bridged"),
  about(
    /talks|banner|echo service|UDP: (answered|pod answers)|\d+ telnet:\/\/|telnet scheme|reset by the server/,
    "emulated apps speak HTTP and nothing else",
  ),
  about(
    /listens|held open|several connections|netstat -tn|ss -tn/,
    "a shell's background jobs run one after the other; no connection outlives its command",
  ),
  about(/--compressed/, "no emulated app compresses"),
  about(/10\.244\.1[02]\.1|10:244:9::1/, "the emulated network has neither prohibiting routes nor rules"),
  about(/^(ip|ss) .*\| node \|/, "interfaces and routes of a node are not emulated, only its rules"),
  about(/ss -s$/, "sockets that were closed are not counted"),
  about(/nc -h$/, "a help text of forty lines"),
  about(/busybox 1\.35.*terminal, Ctrl-C/, "Debian's busybox ends without its summary; no image has it"),
  about(/drip/, "an answer comes in one piece"),
  about(/piped \|.*head -c 16/, "the meter and the broken pipe depend on timing, as the sample says itself"),
  about(/closed at once|reset at once/, "a race between request and close: the real ones answer now this, now that"),
  about(/HTTP\/2 without TLS/, "HTTP/2 is not emulated"),
  about(/\(c-ares\) \| name does not exist/, "no image has a curl built with c-ares; this line is its own"),
  about(/nc busybox 1\.35/, "Debian's package of busybox is in no image; that of the busybox image knows -z and -v"),
  about(/netstat -an|IPv6 too|\| w \| (netstat|ss) -uln/, "sockets of the laboratory's own helpers, in the order they were made"),
];

export function reasonAgainst(sample: Sample): string | undefined {
  const { tool, variant, situation, argv, exit, pod, rules } = sample;
  const words = argv.join(" ");
  if (!makes[`${tool} ${variant}`]) return `no image of the catalog has it: ${tool} ${variant}`;
  if (/^(iptables|nft)/.test(tool) && rules === undefined) return "the laboratory's own rules, which it does not keep as a file";
  if (exit === null) return "the real one would have gone on and was stopped from outside";
  return reasons.find(({ when }) => when({ situation, words, pod, make: `${tool} ${variant}` }))?.reason;
}
