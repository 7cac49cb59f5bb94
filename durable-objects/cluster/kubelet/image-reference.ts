/**
 * Image references: `nginx`, `kiamol/ch03-numbers-web:v2`, `registry.k8s.io/pause@sha256:…`, with what containerd makes
 * of them.
 */
import { sha256 } from "@noble/hashes/sha2.js";
import { bytesToHex, utf8ToBytes } from "@noble/hashes/utils.js";

export interface ImageReference {
  registry: string;
  /** With `library/` where Docker Hub adds it. */
  repository: string;
  /** `latest` where none is written and there is no digest. */
  tag: string | undefined;
  digest: string | undefined;
}

const repositoryGrammar = /^[a-z0-9]+(?:(?:\.|_{1,2}|-+)[a-z0-9]+)*(?:\/[a-z0-9]+(?:(?:\.|_{1,2}|-+)[a-z0-9]+)*)*$/;
const tagGrammar = /^[A-Za-z0-9_][A-Za-z0-9._-]{0,127}$/;
const digestGrammar = /^sha256:[0-9a-f]{64}$/;

/** `undefined` where a kubelet reports `InvalidImageName`. */
export function parseImageReference(text: string): ImageReference | undefined {
  const [named = "", digest] = text.split("@");
  if (digest !== undefined && !digestGrammar.test(digest)) return undefined;
  const colon = named.lastIndexOf(":");
  const hasTag = colon > named.lastIndexOf("/");
  const tag = hasTag ? named.slice(colon + 1) : undefined;
  if (tag !== undefined && !tagGrammar.test(tag)) return undefined;
  const path = hasTag ? named.slice(0, colon) : named;
  const slash = path.indexOf("/");
  const first = slash < 0 ? "" : path.slice(0, slash);
  const isRegistry = first.includes(".") || first.includes(":") || first === "localhost";
  const registry = isRegistry ? first : "docker.io";
  const rest = isRegistry ? path.slice(slash + 1) : path;
  if (!repositoryGrammar.test(rest)) return undefined;
  const repository = registry === "docker.io" && !rest.includes("/") ? `library/${rest}` : rest;
  return { registry, repository, tag: tag ?? (digest === undefined ? "latest" : undefined), digest };
}

/** The name under which the catalog knows an image: without tag, digest and what Docker Hub implies. */
export function familiarName({ registry, repository }: ImageReference): string {
  if (registry !== "docker.io" && registry !== "index.docker.io") return `${registry}/${repository}`;
  return repository.startsWith("library/") ? repository.slice("library/".length) : repository;
}

/** `image` of a container status: `docker.io/library/nginx:1.27`. */
export function fullImageName(text: string): string {
  const reference = parseImageReference(text);
  if (!reference) return text;
  const { registry, repository, tag, digest } = reference;
  return `${registry}/${repository}${tag === undefined ? "" : `:${tag}`}${digest === undefined ? "" : `@${digest}`}`;
}

/** `imageID` of a container status. The digest is made from the name: there is no such image to take it from. */
export function imageID(text: string): string {
  const reference = parseImageReference(text);
  if (!reference) return "";
  const { registry, repository, digest } = reference;
  return `${registry}/${repository}@${digest ?? `sha256:${hexDigest(fullImageName(text))}`}`;
}

/** The tag or digest decides: only `latest` is pulled each time where the pod does not say. */
export const defaultPullPolicy = (text: string): "Always" | "IfNotPresent" =>
  parseImageReference(text)?.tag === "latest" ? "Always" : "IfNotPresent";

export const hexDigest = (text: string): string => bytesToHex(sha256(utf8ToBytes(text)));
