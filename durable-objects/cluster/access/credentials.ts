/**
 * From a token to who asks. A sandbox keeps only hashes of its tokens; a sandbox without any is open (`demo`).
 *
 * Pure and synchronous: it runs before every request that touches a cluster.
 */
import { sha256 } from "@noble/hashes/sha2.js";
import { bytesToHex, utf8ToBytes } from "@noble/hashes/utils.js";
import type { Principal } from "./principal.ts";

/** SHA-256 of the two tokens, hexadecimal. Without both the sandbox is open: who brings no token is its admin. */
export interface TokenHashes {
  adminTokenHash?: string;
  viewTokenHash?: string;
}

/** The group of the view token; `authorize` binds it to the ClusterRole `view`. */
export const viewersGroup = "kubearium:viewers";

/** SHA-256 of a token, hexadecimal. The tokens are 256 random bits, so a salt or a slow hash would add nothing. */
export const hashToken = (token: string): string => bytesToHex(sha256(utf8ToBytes(token)));

/** Compares without telling by its duration where two strings of one length first differ. */
export function sameInConstantTime(a: string, b: string): boolean {
  if (a.length !== b.length) return false;
  let difference = 0;
  for (let i = 0; i < a.length; i++) difference |= a.charCodeAt(i) ^ b.charCodeAt(i);
  return difference === 0;
}

/**
 * Who a token stands for in one sandbox.
 *
 * @param token as it came; `undefined` and `""` both mean that none was sent
 * @returns `undefined`: nobody this sandbox knows, which is 401. A wrong token is never downgraded to an anonymous visit.
 */
export function principalOf(token: string | undefined, via: Principal["via"], known: TokenHashes): Principal | undefined {
  const { adminTokenHash, viewTokenHash } = known;
  if (token === undefined || token === "") {
    return adminTokenHash === undefined && viewTokenHash === undefined ? admin("anonymous") : undefined;
  }
  const hash = hashToken(token);
  if (adminTokenHash !== undefined && sameInConstantTime(hash, adminTokenHash)) return admin(via);
  if (viewTokenHash !== undefined && sameInConstantTime(hash, viewTokenHash)) return viewer(via);
  return undefined;
}

/** Who visits `/lb/…` and `/node/…`: the world outside the cluster, which has no name here. */
export const outsider: Principal = { user: "system:anonymous", groups: ["system:unauthenticated"], via: "anonymous" };

const admin = (via: Principal["via"]): Principal => ({
  user: "kubernetes-admin",
  groups: ["system:masters", "system:authenticated"],
  via,
});

const viewer = (via: Principal["via"]): Principal => ({ user: "viewer", groups: [viewersGroup, "system:authenticated"], via });
