/**
 * nslookup of busybox 1.28 and earlier: asks the C library, so that search list, ndots and hosts file apply, and prints
 * numbered addresses with the name of each.
 */
import { parseAddress } from "../../api/dns-address.ts";
import { parseResolvConf } from "../../api/resolv-conf.ts";
import type { Busybox } from "./busybox.ts";
import type { DnsIO, Printed } from "./dns-io.ts";

export function oldNslookup(argv: readonly string[], io: DnsIO, busybox: Busybox): Printed {
  const [, host, given] = argv;
  if (host === undefined || argv.length > 3) {
    return {
      stdout: "",
      stderr: `${busybox.banner}\n\nUsage: nslookup [HOST] [SERVER]\n\nQuery the nameserver for the IP address of the given HOST\noptionally using a specified DNS server\n`,
      exitCode: 1,
    };
  }
  const server = given ?? parseResolvConf(io.resolvConf).nameservers[0] ?? "127.0.0.1";
  const serverAddress = parseAddress(server)?.text ?? io.resolve(server).addresses[0];
  if (serverAddress === undefined) return { stdout: "", stderr: `nslookup: bad address '${server}'\n`, exitCode: 1 };
  const head = `Server:    ${server}\n${addressLine(1, serverAddress, io)}\n`;
  const addresses = parseAddress(host) === undefined ? io.resolve(host).addresses : [host];
  if (addresses.length === 0) return { stdout: head, stderr: `nslookup: can't resolve '${host}'\n`, exitCode: 1 };
  const lines = addresses.map((address, index) => addressLine(index + 1, address, io));
  return { stdout: `${head}Name:      ${host}\n${lines.join("")}`, stderr: "", exitCode: 0 };
}

/** With the name that the address has, if it has one. */
function addressLine(number: number, address: string, io: DnsIO): string {
  const name = io
    .resolve(address, "PTR")
    .answers.find(({ type }) => type === "PTR")
    ?.data.replace(/\.$/, "");
  return `Address ${number}: ${address}${name === undefined ? "" : ` ${name}`}\n`;
}
