import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { defaultCorefile } from "./cluster-dns-objects.ts";
import { CorefileError, parseCorefile } from "./corefile.ts";
import { corefileProblem, readCorefile } from "./corefile-plugins.ts";
import { forwardTargets, withForwardTarget } from "./corefile-targets.ts";

describe("parseCorefile", () => {
  it("reads keys, directives and blocks with their lines", () => {
    const text = '.:53, example.org {\n  errors # why not\n  hosts "a b" {\n    10.0.0.1 web\n\n    fallthrough\n  }\n}\ntest:53 {\n}\n';
    expect(parseCorefile(text)).toEqual([
      {
        keys: [".:53", "example.org"],
        line: 1,
        directives: [
          { name: "errors", words: ["errors"], args: [], line: 2, block: [] },
          {
            name: "hosts",
            words: ["hosts", "a b"],
            args: ["a b"],
            line: 3,
            block: [
              { words: ["10.0.0.1", "web"], line: 4 },
              { words: ["fallthrough"], line: 6 },
            ],
          },
        ],
      },
      { keys: ["test:53"], line: 9, directives: [] },
    ]);
  });

  it("puts a snippet where it is imported", () => {
    const [block] = parseCorefile(
      "(common) {\n errors\n cache 30\n}\n. {\n import common\n import /etc/coredns/custom/*.override\n whoami\n}",
    );
    expect(block!.directives.map(({ name }) => name)).toEqual(["errors", "cache", "whoami"]);
  });
});

describe("corefileProblem", () => {
  const at = (line: number, what: string, plugin = ""): string => `${plugin}/etc/coredns/Corefile:${line} - Error during parsing: ${what}`;
  it.each([
    { name: "the Corefile of kubeadm", text: defaultCorefile("cluster.local"), problem: undefined },
    { name: "an empty file", text: "", problem: undefined },
    { name: "a block that is not closed", text: ".:53 {\n  errors\n", problem: at(2, "Unexpected EOF") },
    { name: "a plugin that nobody knows", text: ".:53 {\n  errors\n  frobnicate\n}", problem: at(3, "Unknown directive 'frobnicate'") },
    {
      name: "a property that nobody knows",
      text: ". {\n kubernetes x {\n  podz insecure\n }\n}",
      problem: at(3, "unknown property 'podz'", "plugin/kubernetes: "),
    },
    {
      name: "a pod mode that nobody knows",
      text: ". {\n kubernetes x {\n  pods maybe\n }\n}",
      problem: at(3, "wrong value for pods: maybe,  must be one of: disabled, verified, insecure", "plugin/kubernetes: "),
    },
    {
      name: "a TTL out of range",
      text: ". {\n kubernetes x {\n  ttl 3601\n }\n}",
      problem: at(3, "ttl must be in range [0, 3600]: 3601", "plugin/kubernetes: "),
    },
    {
      name: "only reverse zones",
      text: ". {\n kubernetes in-addr.arpa\n}",
      problem: at(2, "non-reverse zone name must be used", "plugin/kubernetes: "),
    },
    {
      name: "a cache without time",
      text: ". {\n cache 0\n}",
      problem: at(2, "cache TTL can not be zero or negative: 0", "plugin/cache: "),
    },
    {
      name: "nowhere to forward to",
      text: ". {\n forward .\n}",
      problem: at(2, "Wrong argument count or unexpected line ending after '.'", "plugin/forward: "),
    },
    {
      name: "a resolver without address",
      text: ". {\n forward . resolver\n}",
      problem: at(2, 'not an IP address or file: "resolver"', "plugin/forward: "),
    },
    {
      name: "a regular expression that Go does not take",
      text: ". {\n rewrite name regex (?=a) b\n}",
      problem: at(2, "invalid regex pattern in a name rule: invalid or unsupported Perl syntax: `(?=`", "plugin/rewrite: "),
    },
    { name: "a zone twice", text: ". {\n}\n.:53 {\n}", problem: at(3, "cannot serve dns://.:53 - it is already defined") },
  ])("says of $name what CoreDNS logs", ({ text, problem }) => {
    expect(corefileProblem(text)).toBe(problem);
  });

  it("survives any text, and any part of a good one", () => {
    const good = defaultCorefile("cluster.local");
    const word = fc.constantFrom(...good.split(/\s+/), "hosts", "rewrite", "template", "\n", '"', "#");
    const text = fc.oneof(
      fc.string({ maxLength: 60 }),
      fc.array(word, { maxLength: 30 }).map((words) => words.join(" ")),
      fc.nat(good.length).map((length) => good.slice(0, length)),
    );
    fc.assert(
      fc.property(text, (each) => {
        const read = readCorefile(each);
        expect(read instanceof CorefileError ? read.line > 0 : Array.isArray(read.servers)).toBe(true);
      }),
      { numRuns: 500 },
    );
  });
});

describe("readCorefile", () => {
  it.each([
    { name: "nothing in the Corefile of kubeadm", inside: "", notEmulated: [] },
    { name: "other plugins", inside: "autopath @kubernetes\nbufsize 1232", notEmulated: ["autopath", "bufsize"] },
    { name: "properties without effect", inside: "cache 30 {\n prefetch 10\n}", notEmulated: ["cache: prefetch"] },
    { name: "rules of other fields", inside: "rewrite type ANY HINFO", notEmulated: ["rewrite: type"] },
    {
      name: "regular expressions that might take forever",
      inside: "rewrite name regex (a+)+\\.test b",
      notEmulated: ["rewrite: the regular expression (a+)+\\.test (repeats what is itself repeated or a choice)"],
    },
    {
      name: "expressions of Go's template language",
      inside: 'template IN A test {\n answer "{{ printf .Name }} 60 IN A 10.0.0.1"\n}',
      notEmulated: ["template: the expression {{ printf .Name }}"],
    },
  ])("tells of what has no effect: $name", ({ inside, notEmulated }) => {
    expect(readCorefile(`. {\n${inside}\n}`)).toMatchObject({ notEmulated });
  });
});

describe("withForwardTarget", () => {
  it("changes the targets of the root and nothing else", () => {
    const text = ". {\n    forward test 10.0.0.1\n    forward . 10.99.0.53 10.99.0.54 {\n       max_concurrent 9\n    }\n}\n";
    const changed = withForwardTarget(text, "/etc/resolv.conf");
    expect(forwardTargets(text)).toEqual(["10.99.0.53", "10.99.0.54"]);
    expect(changed).toBe(text.replace("10.99.0.53 10.99.0.54", "/etc/resolv.conf"));
  });
});
