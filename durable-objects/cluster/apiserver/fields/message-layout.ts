/**
 * Which member of a structure a number in a protobuf message stands for.
 *
 * Read from `messages.generated.ts`, one structure at a time when it is first needed. There, a structure is a line with an
 * entry for each of its members, in the order of `structs.generated.ts`: `number:Go name`.
 *
 *     number   nothing: one more than the member before it, or 1; 0: not in messages; 2.1: number 1 of the embedded
 *              structure that is number 2
 *     Go name  only where it is not the member's name with a capital
 *
 * A structure without a line counts up from 1.
 */
import { messageNumbers } from "./messages.generated.ts";
import type { Field, FieldType, Struct } from "./schema.ts";

export interface MessageLayout {
  /** Of the Go structure, without its package; errors show it. */
  goName: string;
  members: Map<number, MessageMember>;
}

/** `raw`: bytes as they are, only in the messages that `protobuf.ts` describes itself. */
export type MemberType = FieldType | { kind: "raw" };

export type MessageMember =
  | { goName: string; name: string; type: MemberType }
  /** An embedded structure: a message of its own whose members are those of the outer one. */
  | { goName: string; embedded: MessageLayout };

const parsed = new Map<string, MessageLayout>();

export function messageLayout(struct: Struct): MessageLayout {
  const known = parsed.get(struct.name);
  if (known !== undefined) return known;
  const layout: MessageLayout = { goName: lastPart(struct.goName), members: new Map() };
  parsed.set(struct.name, layout);
  const entries = messageNumbers[struct.name]?.split(",") ?? [];
  let due = [1];
  for (const [index, field] of [...struct.fields.values()].entries()) {
    const [number = "", goName = memberGoName(field)] = (entries[index] ?? "").split(":");
    const path = number === "" ? due : number.split(".").map(Number);
    place(layout, path, field, goName);
    due = [...path.slice(0, -1), (path.at(-1) as number) + 1];
  }
  return layout;
}

function place(layout: MessageLayout, path: readonly number[], field: Field, goName: string): void {
  const [number = 0, ...inner] = path;
  if (number === 0) return;
  if (inner.length === 0) layout.members.set(number, { goName, name: field.name, type: field.type });
  else place(embeddedAt(layout, number, field.embeddedIn ?? ""), inner, field, goName);
}

function embeddedAt(layout: MessageLayout, number: number, goName: string): MessageLayout {
  const known = layout.members.get(number);
  if (known !== undefined && "embedded" in known) return known.embedded;
  const embedded: MessageLayout = { goName, members: new Map() };
  layout.members.set(number, { goName, embedded });
  return embedded;
}

/** `metadata` is embedded, so it has the name of its type. */
const memberGoName = ({ name, type }: Field): string =>
  name === "metadata" ? lastPart(type.goName) : name.slice(0, 1).toUpperCase() + name.slice(1);

const lastPart = (goName: string): string => goName.slice(goName.indexOf(".") + 1);
