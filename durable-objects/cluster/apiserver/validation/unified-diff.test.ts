import { describe, expect, it } from "vitest";
import { unifiedDiff } from "./unified-diff.ts";

const lines = (text: string): string[] => text.split("");

describe("unifiedDiff", () => {
  it.each([
    { name: "is empty for equal texts", before: "abc", after: "abc", want: "" },
    {
      name: "shows a changed line with three lines around it",
      before: "abcdefghi",
      after: "abcdXfghi",
      want: "@@ -2,7 +2,7 @@\n b\n c\n d\n-e\n+X\n f\n g\n h\n",
    },
    { name: "shows what was added at the end", before: "abcd", after: "abcde", want: "@@ -2,3 +2,4 @@\n b\n c\n d\n+e\n" },
    { name: "shows what was removed at the start", before: "abcd", after: "bcd", want: "@@ -1,4 +1,3 @@\n-a\n b\n c\n d\n" },
    {
      name: "joins changes that are close",
      before: "abcdefg",
      after: "aXcdeYg",
      want: "@@ -1,7 +1,7 @@\n a\n-b\n+X\n c\n d\n e\n-f\n+Y\n g\n",
    },
    {
      name: "parts changes that are far from each other",
      before: "abcdefghijkl",
      after: "aXcdefghijYl",
      want: "@@ -1,5 +1,5 @@\n a\n-b\n+X\n c\n d\n e\n@@ -8,5 +8,5 @@\n h\n i\n j\n-k\n+Y\n l\n",
    },
  ])("$name", ({ before, after, want }) => {
    expect(unifiedDiff(lines(before), lines(after))).toBe(want);
  });
});
