/**
 * The difference of two texts as hunks of a unified diff without file names, matched as Go's difflib does: the longest
 * common run of lines first, then what is left of it and right of it.
 */
const contextLines = 3;

interface Block {
  a: number;
  b: number;
  size: number;
}

/** Empty where the texts are equal; otherwise every line, also the last, ends in a line break. */
export function unifiedDiff(before: readonly string[], after: readonly string[]): string {
  const operations = operationsOf(before, after, matchingBlocks(before, after));
  return groupsOf(operations)
    .map((group) => hunk(group, before, after))
    .join("");
}

interface Operation {
  equal: boolean;
  a: [from: number, to: number];
  b: [from: number, to: number];
}

function operationsOf(before: readonly string[], after: readonly string[], blocks: readonly Block[]): Operation[] {
  const operations: Operation[] = [];
  let [a, b] = [0, 0];
  for (const block of [...blocks, { a: before.length, b: after.length, size: 0 }]) {
    if (a < block.a || b < block.b) operations.push({ equal: false, a: [a, block.a], b: [b, block.b] });
    if (block.size > 0) operations.push({ equal: true, a: [block.a, block.a + block.size], b: [block.b, block.b + block.size] });
    a = block.a + block.size;
    b = block.b + block.size;
  }
  return operations;
}

/** Changes with their context; changes that are close together share a hunk. */
function groupsOf(operations: readonly Operation[]): Operation[][] {
  const groups: Operation[][] = [];
  let group: Operation[] = [];
  for (const [at, operation] of operations.entries()) {
    if (!operation.equal) {
      group.push(operation);
      continue;
    }
    const size = operation.a[1] - operation.a[0];
    const isFirst = at === 0;
    const isLast = at === operations.length - 1;
    const head = isFirst ? 0 : Math.min(contextLines, size);
    const tail = isLast ? 0 : Math.min(contextLines, size);
    if (!isFirst && !isLast && size <= 2 * contextLines) {
      group.push(operation);
      continue;
    }
    if (!isFirst) {
      group.push({ equal: true, a: [operation.a[0], operation.a[0] + head], b: [operation.b[0], operation.b[0] + head] });
      groups.push(group);
      group = [];
    }
    if (!isLast) group.push({ equal: true, a: [operation.a[1] - tail, operation.a[1]], b: [operation.b[1] - tail, operation.b[1]] });
  }
  if (group.some(({ equal }) => !equal)) groups.push(group);
  return groups;
}

function hunk(group: readonly Operation[], before: readonly string[], after: readonly string[]): string {
  const first = group[0] as Operation;
  const last = group.at(-1) as Operation;
  const lines = group.flatMap(({ equal, a, b }) =>
    equal
      ? before.slice(...a).map((line) => ` ${line}`)
      : [...before.slice(...a).map((line) => `-${line}`), ...after.slice(...b).map((line) => `+${line}`)],
  );
  return `@@ -${range(first.a[0], last.a[1])} +${range(first.b[0], last.b[1])} @@\n${lines.map((line) => `${line}\n`).join("")}`;
}

function range(from: number, to: number): string {
  const length = to - from;
  if (length === 1) return String(from + 1);
  return length === 0 ? `${from},0` : `${from + 1},${length}`;
}

/** Lines that stand very often are no place to begin a match, in long texts. */
function indexOf(lines: readonly string[]): Map<string, number[]> {
  const index = new Map<string, number[]>();
  for (const [at, line] of lines.entries()) index.set(line, [...(index.get(line) ?? []), at]);
  if (lines.length >= 200) {
    const often = Math.floor(lines.length / 100) + 1;
    for (const [line, places] of index) if (places.length > often) index.delete(line);
  }
  return index;
}

function matchingBlocks(before: readonly string[], after: readonly string[]): Block[] {
  const index = indexOf(after);
  const blocks: Block[] = [];
  const pending: [number, number, number, number][] = [[0, before.length, 0, after.length]];
  while (pending.length > 0) {
    const [aFrom, aTo, bFrom, bTo] = pending.pop() as [number, number, number, number];
    const best = longestMatch(before, after, index, aFrom, aTo, bFrom, bTo);
    if (best.size === 0) continue;
    blocks.push(best);
    pending.push([aFrom, best.a, bFrom, best.b], [best.a + best.size, aTo, best.b + best.size, bTo]);
  }
  return joined(blocks.sort((x, y) => x.a - y.a));
}

/** Blocks that touch become one. */
function joined(blocks: readonly Block[]): Block[] {
  const result: Block[] = [];
  for (const block of blocks) {
    const last = result.at(-1);
    if (last && last.a + last.size === block.a && last.b + last.size === block.b) last.size += block.size;
    else result.push({ ...block });
  }
  return result;
}

function longestMatch(
  before: readonly string[],
  after: readonly string[],
  index: ReadonlyMap<string, readonly number[]>,
  aFrom: number,
  aTo: number,
  bFrom: number,
  bTo: number,
): Block {
  let best: Block = { a: aFrom, b: bFrom, size: 0 };
  let lengths = new Map<number, number>();
  for (let a = aFrom; a < aTo; a += 1) {
    const next = new Map<number, number>();
    for (const b of index.get(before[a] as string) ?? []) {
      if (b < bFrom) continue;
      if (b >= bTo) break;
      const size = (lengths.get(b - 1) ?? 0) + 1;
      next.set(b, size);
      if (size > best.size) best = { a: a - size + 1, b: b - size + 1, size };
    }
    lengths = next;
  }
  let { a, b, size } = best;
  while (a > aFrom && b > bFrom && before[a - 1] === after[b - 1]) {
    a -= 1;
    b -= 1;
    size += 1;
  }
  while (a + size < aTo && b + size < bTo && before[a + size] === after[b + size]) size += 1;
  return { a, b, size };
}
