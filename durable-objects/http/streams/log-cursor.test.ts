import { describe, expect, it } from "vitest";
import { LogCursor } from "./log-cursor.ts";

const line = (atMs: number, text: string) => ({ atMs, text });

describe("the place in a log", () => {
  it("gives each line once, also of one time", () => {
    const cursor = new LogCursor([line(1, "a")]);
    expect(cursor.next([line(1, "a"), line(1, "b")])).toEqual([line(1, "b")]);
    expect(cursor.next([line(1, "a"), line(1, "b"), line(2, "c"), line(2, "d")])).toEqual([line(2, "c"), line(2, "d")]);
    expect(cursor.next([line(1, "a"), line(1, "b"), line(2, "c"), line(2, "d")])).toEqual([]);
  });

  it("goes on where the oldest lines have gone and as many new ones came", () => {
    const cursor = new LogCursor([line(1, "a"), line(2, "b")]);
    expect(cursor.next([line(2, "b"), line(3, "c")])).toEqual([line(3, "c")]);
    expect(cursor.next([line(4, "d"), line(5, "e")])).toEqual([line(4, "d"), line(5, "e")]);
  });

  it("begins at the beginning of an empty log", () => {
    const cursor = new LogCursor();
    expect(cursor.next([])).toEqual([]);
    expect(cursor.next([line(7, "a")])).toEqual([line(7, "a")]);
  });
});
