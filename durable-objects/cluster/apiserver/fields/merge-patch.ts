/** JSON merge patches (RFC 7396): objects merge, null removes, everything else replaces. */
import type { LazyNode } from "./lazy-json.ts";

/** Changes `document` in place; both must be objects. */
export function applyMergePatch(document: LazyNode, patch: LazyNode): void {
  const [members, changes] = [document.members(), patch.members()];
  if (members === undefined || changes === undefined) throw new Error("a merge patch needs objects");
  for (const [key, change] of changes) {
    const current = members.get(key);
    if (change.isNull) members.delete(key);
    else if (current?.members() !== undefined && change.members() !== undefined) applyMergePatch(current, change);
    else members.set(key, current?.members() === undefined ? withoutNulls(change) : change);
  }
}

/** Nothing is left to remove where there was no object. */
function withoutNulls(node: LazyNode): LazyNode {
  const members = node.members();
  for (const [key, member] of members ?? []) {
    if (member.isNull) members?.delete(key);
    else withoutNulls(member);
  }
  for (const item of node.items() ?? []) withoutNulls(item);
  return node;
}
