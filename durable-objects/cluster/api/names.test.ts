import { describe, expect, it } from "vitest";
import { asPrefix, configMapKey, dnsLabel, dnsSubdomain, labelValue, pathSegment, portName, qualifiedName } from "./names.ts";

const label =
  "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?')";

describe("rules for names", () => {
  it.each([
    { rule: dnsLabel, text: "web-1", want: [] },
    { rule: dnsLabel, text: "Web", want: [label] },
    { rule: dnsLabel, text: "a.b", want: ["must not contain dots"] },
    { rule: dnsLabel, text: "a".repeat(64), want: ["must be no more than 63 characters"] },
    { rule: dnsSubdomain, text: "a.b-c.d", want: [] },
    { rule: asPrefix(dnsLabel), text: "web-", want: [] },
    { rule: asPrefix(dnsLabel), text: "Web-", want: [label] },
    { rule: pathSegment, text: "a/b%c", want: ["may not contain '/'", "may not contain '%'"] },
    { rule: pathSegment, text: "..", want: ["may not be '..'"] },
    { rule: portName, text: "http", want: [] },
    { rule: portName, text: "12", want: ["must contain at least one letter (a-z)"] },
    { rule: portName, text: "a--b-", want: ["must not contain consecutive hyphens", "must not begin or end with a hyphen"] },
    { rule: qualifiedName, text: "example.com/app", want: [] },
    { rule: qualifiedName, text: "/app", want: ["prefix part must be non-empty"] },
    { rule: qualifiedName, text: `${"a".repeat(254)}/a`, want: ["prefix part must be no more than 253 bytes"] },
    { rule: labelValue, text: "", want: [] },
    { rule: labelValue, text: "x".repeat(64), want: ["must be no more than 63 bytes"] },
    { rule: configMapKey, text: "..a", want: ["must not start with '..'"] },
  ])("of $text: $want", ({ rule, text, want }) => {
    expect(rule(text)).toEqual(want);
  });
});
