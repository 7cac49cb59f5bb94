/** hostname, uname and id: who and where a process is. */
import { hostnameOf } from "../../api/hosts-file.ts";
import type { Tool } from "./tool.ts";

export const hostname: Tool = ({ argv, place, out, err }) => {
  const name = hostnameOf(place.pod);
  const ips = (place.pod.status.podIPs ?? []).map(({ ip }) => ip ?? "");
  const [flag] = argv.slice(1);
  const isBusybox = place.image.userland.tools.has("busybox");
  switch (flag) {
    case undefined:
    case "-s":
      out(`${name}\n`);
      return 0;
    case "-f": {
      const { subdomain } = place.pod.spec;
      out(subdomain === undefined ? `${name}\n` : `${name}.${subdomain}.${place.pod.metadata.namespace}.svc.cluster.local\n`);
      return 0;
    }
    case "-i":
      out(`${ips[0] ?? ""}\n`);
      return 0;
    case "-d":
      return 0;
    case "-I":
      if (!isBusybox) {
        out(`${ips.join(" ")} \n`);
        return 0;
      }
      err(`hostname: unrecognized option: I\n${usage}`);
      return 1;
    default:
      err("hostname: sethostname: Operation not permitted\n");
      return 1;
  }
};

export const uname: Tool = ({ argv, place, out }) => {
  const flags = argv.slice(1).join("");
  const release = "6.8.0-45-generic";
  if (flags.includes("a")) out(`Linux ${hostnameOf(place.pod)} ${release} #45 SMP x86_64 Linux\n`);
  else if (flags.includes("r")) out(`${release}\n`);
  else if (flags.includes("m")) out("x86_64\n");
  else if (flags.includes("n")) out(`${hostnameOf(place.pod)}\n`);
  else out("Linux\n");
  return 0;
};

export const id: Tool = ({ argv, place, out }) => {
  const { name, id: number } = userOf(place);
  const flags = argv.slice(1).join("");
  if (flags.includes("u")) out(flags.includes("n") ? `${name}\n` : `${number}\n`);
  else if (flags.includes("g")) out(flags.includes("n") ? `${name}\n` : `${number}\n`);
  else out(`uid=${number}(${name}) gid=${number}(${name}) groups=${number}(${name})\n`);
  return 0;
};

export const whoami: Tool = ({ place, out, err }) => {
  const { name, id: number, isKnown } = userOf(place);
  if (!isKnown) {
    err(`whoami: unknown uid ${number}\n`);
    return 1;
  }
  out(`${name}\n`);
  return 0;
};

/** `runAsUser` of container or pod, else the image's user, else root. */
function userOf({ pod, container, image }: Parameters<Tool>[0]["place"]): { name: string; id: number; isKnown: boolean } {
  const own = image.user ?? { name: "root", id: 0 };
  const uid = container.securityContext?.runAsUser ?? pod.spec.securityContext?.runAsUser ?? own.id;
  if (uid === own.id) return { ...own, isKnown: true };
  return uid === 0 ? { name: "root", id: 0, isKnown: true } : { name: String(uid), id: uid, isKnown: false };
}

const usage = `BusyBox v1.36.1 (2026-11-23 14:57:04 UTC) multi-call binary.

Usage: hostname [-sidf] [HOSTNAME | -F FILE]

Show or set hostname or DNS domain name

	-s	Short
	-i	Addresses for the hostname
	-d	DNS domain name
	-f	Fully qualified domain name
	-F FILE	Use FILE's content as hostname
`;
