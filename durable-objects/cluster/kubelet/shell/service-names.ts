/** Names of well-known ports, as /etc/services has them: `80/tcp` is http. */
export const serviceNames: Readonly<Record<string, string>> = {
  "7/tcp": "echo",
  "7/udp": "echo",
  "9/udp": "discard",
  "21/tcp": "ftp",
  "22/tcp": "ssh",
  "25/tcp": "smtp",
  "53/tcp": "domain",
  "53/udp": "domain",
  "80/tcp": "http",
  "443/tcp": "https",
  "3306/tcp": "mysql",
  "5432/tcp": "postgresql",
  "6379/tcp": "redis",
  "8080/tcp": "http-alt",
};
