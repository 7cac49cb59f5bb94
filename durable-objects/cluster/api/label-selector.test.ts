import { describe, expect, it } from "vitest";
import { formatLabelSelector, matchesLabelSelector, parseLabelSelector } from "./label-selector.ts";
import type { StatusError } from "./status-error.ts";

const refusalOf = (text: string): string => {
  try {
    parseLabelSelector(text);
    return "";
  } catch (error) {
    return (error as StatusError).status.message ?? "";
  }
};

describe("parseLabelSelector", () => {
  it.each([
    { text: "", labels: {}, want: true },
    { text: "app=web", labels: { app: "web" }, want: true },
    { text: "app==web", labels: { app: "api" }, want: false },
    { text: "app!=web", labels: {}, want: true },
    { text: "app", labels: { app: "" }, want: true },
    { text: "! app", labels: { app: "" }, want: false },
    { text: "app in (web, api)", labels: { app: "api" }, want: true },
    { text: "app in ()", labels: { app: "" }, want: true },
    { text: "app in (web,)", labels: { app: "" }, want: true },
    { text: "app notin (web)", labels: {}, want: true },
    { text: "app=", labels: { app: "" }, want: true },
    { text: "num>5,num<20", labels: { num: "10" }, want: true },
    { text: "num>5", labels: { num: "x" }, want: false },
    { text: "in in (in)", labels: { in: "in" }, want: true },
    { text: "app\n=\tweb", labels: { app: "web" }, want: true },
    { text: "constructor", labels: {}, want: false },
  ] as { text: string; labels: Record<string, string>; want: boolean }[])("$text on $labels is $want", ({ text, labels, want }) => {
    expect(parseLabelSelector(text)(labels)).toBe(want);
  });

  it.each([
    ["a b=c", "unable to parse requirement: found 'b', expected: in, notin, =, ==, !=, gt, lt"],
    ["app=web,", "found '', expected: identifier after ','"],
    ["=web", "found '=', expected: !, identifier, or 'end of string'"],
    ["app=web)", "found ')', expected: ',' or 'end of string'"],
    ["app in web", "unable to parse requirement: found 'web' expected: '('"],
    ["app in (web", "unable to parse requirement: found '', expected: ',' or ')'"],
    ["num>=5", "unable to parse requirement: found '=', expected: identifier"],
    ["/z=1", 'unable to parse requirement: <nil>: Invalid value: "/z": prefix part must be non-empty'],
    ["num>x", "unable to parse requirement: values[0]: Invalid value: \"x\": for 'Gt', 'Lt' operators, the value must be an integer"],
  ])("refuses %j", (text, want) => {
    expect(refusalOf(text)).toBe(want);
  });
});

describe("matchesLabelSelector", () => {
  it("lets an absent selector match nothing and an empty one everything", () => {
    expect([matchesLabelSelector(undefined, { a: "b" }), matchesLabelSelector({}, undefined)]).toEqual([false, true]);
  });

  it("wants labels and expressions together", () => {
    const selector = { matchLabels: { app: "web" }, matchExpressions: [{ key: "tier", operator: "NotIn", values: ["db"] }] };
    const pods: Record<string, string>[] = [{ app: "web" }, { app: "web", tier: "db" }, { tier: "x" }];
    expect(pods.map((labels) => matchesLabelSelector(selector, labels))).toEqual([true, false, false]);
  });
});

describe("formatLabelSelector", () => {
  it.each([
    { selector: undefined, want: "<none>" },
    { selector: {}, want: "<none>" },
    { selector: { matchLabels: { b: "2", a: "1" } }, want: "a=1,b=2" },
    {
      selector: {
        matchExpressions: [
          { key: "x", operator: "In", values: ["b", "a"] },
          { key: "y", operator: "Exists" },
          { key: "z", operator: "DoesNotExist" },
        ],
      },
      want: "x in (a,b),y,!z",
    },
  ])("writes $selector as $want", ({ selector, want }) => {
    expect(formatLabelSelector(selector)).toBe(want);
  });
});
