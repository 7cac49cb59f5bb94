/** The part of dns-packet that the tests use as an independent reader and writer of DNS messages. */
declare module "dns-packet" {
  interface Packet {
    type?: "query" | "response";
    id?: number;
    flags?: number;
    flag_aa?: boolean;
    flag_tc?: boolean;
    rcode?: string;
    questions?: { name: string; type: string; class?: string }[];
    answers?: Record<string, unknown>[];
    authorities?: Record<string, unknown>[];
    additionals?: Record<string, unknown>[];
  }
  const dnsPacket: { encode(packet: Packet): Uint8Array<ArrayBuffer>; decode(octets: Uint8Array): Packet; RECURSION_DESIRED: number };
  export default dnsPacket;
}
