/**
 * The DNS tools as exec runs them: hands each what it needs of its container.
 */
import { parseAddress } from "../../api/dns-address.ts";
import { bindNslookup } from "./bind-nslookup.ts";
import { busyboxOf } from "./busybox.ts";
import { dig as digAnswer } from "./dig.ts";
import type { DnsIO, Printed } from "./dns-io.ts";
import { getent as getentAnswer } from "./getent.ts";
import { host as hostAnswer } from "./host.ts";
import { busyboxNslookup } from "./nslookup.ts";
import type { Tool, ToolContext } from "./tool.ts";

const toolOf =
  (answer: (context: ToolContext, io: DnsIO) => Printed): Tool =>
  (context) => {
    const { stdout, stderr, exitCode } = answer(context, ioOf(context));
    context.out(stdout);
    context.err(stderr);
    return exitCode;
  };

export const nslookup = toolOf((context, io) => {
  const { container, image } = context.place;
  const isBusybox = image.userland.flavours["nslookup"] === "busybox";
  return isBusybox ? busyboxNslookup(context.argv, io, busyboxOf(container.image ?? "")) : bindNslookup(context.argv, io);
});

export const dig = toolOf(({ argv }, io) => digAnswer(argv, io));
export const host = toolOf(({ argv }, io) => hostAnswer(argv, io));
export const getent = toolOf(({ argv }, io) => getentAnswer(argv, io));

function ioOf({ place, sender, network, files, now, random }: ToolContext): DnsIO {
  const text = (path: string): string => new TextDecoder().decode(files.read(path) ?? new Uint8Array());
  return {
    ask(question, server) {
      if (network.ask === undefined) throw new Error("the network port of this shell sends no DNS questions");
      return network.ask(sender, question, server);
    },
    resolve: (name, type) => network.resolve({ from: sender, name, ...(type === undefined ? {} : { type }) }),
    resolvConf: text("/etc/resolv.conf"),
    hosts: text("/etc/hosts"),
    libc: place.image.userland.libc,
    families: [...new Set((place.pod.status.podIPs ?? []).flatMap(({ ip }) => parseAddress(ip ?? "")?.family ?? []))],
    now: now(),
    random,
  };
}
