/** The certificate of `npm start -- --https`: made once, kept in the data folder, trusted through the kubeconfig. */
import { X509Certificate } from "node:crypto";
import fs from "node:fs";
import net from "node:net";
import path from "node:path";
import selfsigned from "selfsigned";

export interface Certificate {
  key: string;
  cert: string;
  /** Where the certificate lies, for `curl --cacert`. */
  file: string;
}

const validDays = 825;

/** The kept one where it still fits the host and the day, else a new one. */
export async function certificateFor(folder: string, host: string): Promise<Certificate> {
  const file = path.join(folder, "tls", "cert.pem");
  const keyFile = path.join(folder, "tls", "key.pem");
  if (fs.existsSync(file) && fs.existsSync(keyFile)) {
    const kept = { key: fs.readFileSync(keyFile, "utf8"), cert: fs.readFileSync(file, "utf8"), file };
    if (fits(new X509Certificate(kept.cert), host)) return kept;
  }
  const names = [...new Set(["localhost", "127.0.0.1", "::1", ...(host === "0.0.0.0" || host === "::" ? [] : [host])])];
  const notAfterDate = new Date(Date.now() + validDays * 24 * 3600_000);
  const made = await selfsigned.generate([{ name: "commonName", value: "Kubearium on this machine" }], {
    keyType: "ec",
    curve: "P-256",
    algorithm: "sha256",
    notAfterDate,
    extensions: [
      { name: "basicConstraints", cA: true, critical: true },
      { name: "keyUsage", digitalSignature: true, keyCertSign: true, critical: true },
      { name: "extKeyUsage", serverAuth: true },
      { name: "subjectAltName", altNames: names.map((name) => (net.isIP(name) === 0 ? { type: 2, value: name } : { type: 7, ip: name })) },
    ],
  });
  fs.mkdirSync(path.dirname(file), { recursive: true });
  fs.writeFileSync(keyFile, made.private, { mode: 0o600 });
  fs.writeFileSync(file, made.cert);
  return { key: made.private, cert: made.cert, file };
}

const fits = (certificate: X509Certificate, host: string): boolean =>
  new Date(certificate.validTo).getTime() > Date.now() + 24 * 3600_000 &&
  (host === "0.0.0.0" || host === "::" || (net.isIP(host) === 0 ? certificate.checkHost(host) : certificate.checkIP(host)) !== undefined);
