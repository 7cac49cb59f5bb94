/**
 * The orders in which nft 1.0.6 lists the elements of sets: by value, and what a value is differs between kinds of sets.
 */
import ipaddr from "ipaddr.js";
import type { NftSet } from "./kernel-table.ts";
import { type Element, elementKey, type KeyPart, type SetDefinition } from "./rule.ts";

const protocolNumbers: Record<string, number> = { tcp: 6, udp: 17, sctp: 132 };

/**
 * Single keys by value; composed keys as nft compares them on a little-endian machine: by their bytes from the last to
 * the first, so that the low byte of the port counts most.
 */
export function sortedElements(set: SetDefinition, elements: readonly Element[]): Element[] {
  const keyed = elements.map((element) => {
    const bytes = set.key.flatMap((part, at) => bytesOf(part, element.key[at]!));
    return { element, bytes: set.key.length === 1 ? bytes : bytes.reverse() };
  });
  return keyed.sort((a, b) => compareBytes(a.bytes, b.bytes)).map(({ element }) => element);
}

/** Where an element stands in the listing of its set, from 1. */
export function elementLine({ definition, elements }: NftSet, key: string): number {
  let lines = lineCache.get(elements);
  if (lines?.size !== elements.size || !lines.has(key)) {
    lines = new Map(sortedElements(definition, [...elements.values()]).map((element, at) => [elementKey(element), at + 1]));
    lineCache.set(elements, lines);
  }
  return lines.get(key)!;
}
/** Sets of one kernel do not change once its rules are handed out; a test that changes one by hand changes its size. */
const lineCache = new WeakMap<NftSet["elements"], Map<string, number>>();

function bytesOf(part: KeyPart, text: string): number[] {
  if (part === "addr") return ipaddr.parse(text).toByteArray();
  if (part === "proto") return [protocolNumbers[text]!];
  return [Number(text) >> 8, Number(text) & 0xff];
}

function compareBytes(a: readonly number[], b: readonly number[]): number {
  const at = a.findIndex((byte, index) => byte !== b[index]);
  return at === -1 ? 0 : a[at]! - b[at]!;
}

interface Interval {
  from: bigint;
  to: bigint;
}

/** Ranges and addresses as one list: sorted, overlapping and neighbouring ones joined. */
export function joinedRanges(texts: readonly string[]): string[] {
  const bits = texts[0]!.includes(":") ? 128 : 32;
  const intervals = texts.map((text) => intervalOf(text, bits)).sort((a, b) => (a.from < b.from ? -1 : 1));
  const joined: Interval[] = [];
  for (const next of intervals) {
    const last = joined.at(-1);
    if (last === undefined || next.from > last.to + 1n) joined.push({ ...next });
    else if (next.to > last.to) last.to = next.to;
  }
  return joined.map((interval) => intervalText(interval, bits));
}

function intervalOf(text: string, bits: number): Interval {
  const [address, length] = text.split("/") as [string, string | undefined];
  const value = ipaddr
    .parse(address)
    .toByteArray()
    .reduce((sum, byte) => (sum << 8n) | BigInt(byte), 0n);
  const size = 1n << BigInt(bits - (length === undefined ? bits : Number(length)));
  const from = value - (value % size);
  return { from, to: from + size - 1n };
}

/** An address, a prefix where it is one, else `first-last`. */
function intervalText({ from, to }: Interval, bits: number): string {
  const size = to - from + 1n;
  if (size === 1n) return addressText(from, bits);
  const isPrefix = (size & (size - 1n)) === 0n && from % size === 0n;
  return isPrefix
    ? `${addressText(from, bits)}/${bits - (size.toString(2).length - 1)}`
    : `${addressText(from, bits)}-${addressText(to, bits)}`;
}

function addressText(value: bigint, bits: number): string {
  const bytes = Array.from({ length: bits / 8 }, (_, at) => Number((value >> BigInt(bits - 8 - at * 8)) & 0xffn));
  return ipaddr.fromByteArray(bytes).toString();
}
