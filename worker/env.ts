/** The Worker's bindings, as narrow as the Worker needs them, so that a test can hand in its own. */
import type { DirectoryNamespace } from "../durable-objects/http/directory.ts";

export interface Env {
  CLUSTERS: ObjectNamespace<Fetches>;
  DIRECTORY: DirectoryNamespace;
  /** The built page and the documentation: `dist/web`. */
  ASSETS: Fetches;
  /** Secret; opens the operator's rows. Unset: they answer 403. */
  OPERATOR_KEY?: string;
  /** Set by `npm start` only. */
  LOCAL?: LocalMode;
}

export interface LocalMode {
  /** Values of `Host` that mean this server: `127.0.0.1:8787`, `localhost:8787`, `[::1]:8787`. */
  hosts: readonly string[];
  /** Whether only this machine can reach the server; then whoever does is the operator. */
  loopbackOnly: boolean;
  /** Base64 of the PEM of the certificate authority, under `--https`. */
  certificateAuthority?: string;
}

export interface ObjectId {
  toString(): string;
}

export interface Fetches {
  fetch(request: Request): Promise<Response>;
}

export interface ObjectNamespace<Stub> {
  newUniqueId(): ObjectId;
  idFromName(name: string): ObjectId;
  /** Throws where the id is not one of this namespace. */
  idFromString(id: string): ObjectId;
  get(id: ObjectId): Stub;
}
