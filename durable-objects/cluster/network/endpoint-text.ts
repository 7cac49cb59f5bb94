/** How places and addresses are written in hops. */

export const podPlace = (pod: { metadata: { namespace?: string; name: string } }): string =>
  `pod/${pod.metadata.namespace}/${pod.metadata.name}`;

export const nodePlace = (node: string): string => `node/${node}`;

export const outsidePlace = (ip: string): string => `outside/${ip}`;

/** `10.0.0.1:80`, `[fd00::1]:80`; without a port the address alone, as for ICMP. */
export const endpointText = (ip: string, port?: number): string =>
  port === undefined ? ip : ip.includes(":") ? `[${ip}]:${port}` : `${ip}:${port}`;
