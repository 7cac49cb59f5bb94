/**
 * The rules for names, labels and keys that all kinds share, with what the API server says to those that break them.
 *
 * Every rule returns the complaints about a text, in order; none means that the text is fine.
 *
 * @see https://kubernetes.io/docs/concepts/overview/working-with-objects/names/
 */

export type Rule = (text: string) => string[];

const label = "[a-z0-9]([-a-z0-9]*[a-z0-9])?";
const subdomain = `${label}(\\.${label})*`;
const dns1035 = "[a-z]([-a-z0-9]*[a-z0-9])?";
const qualified = "([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]";
const labelValueRegex = `(${qualified})?`;

const whole = (regex: string) => new RegExp(`^(?:${regex})$`);
const labelRegex = whole(label);
const subdomainRegex = whole(subdomain);
const dns1035Regex = whole(dns1035);
const qualifiedRegex = whole(qualified);
const labelValuePattern = whole(labelValueRegex);
const wildcardRegex = whole(`\\*\\.${subdomain}`);
const envVarRegex = /^[\x20-\x3c\x3e-\x7e]+$/;
const configKeyRegex = /^[-._a-zA-Z0-9]+$/;

const labelLength = 63;
const subdomainLength = 253;

const bytes = (text: string): number => new TextEncoder().encode(text).length;
const characters = (max: number): string => `must be no more than ${max} characters`;
const atMostBytes = (max: number): string => `must be no more than ${max} bytes`;

/** `(e.g. 'a',  or 'b', regex used for validation is '...')`, two spaces and all. */
function regexNote(message: string, regex: string, ...examples: string[]): string {
  const shown = examples.map((example) => `'${example}', `).join(" or ");
  return `${message} (e.g. ${shown}regex used for validation is '${regex}')`;
}

const labelNote = regexNote(
  "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character",
  label,
  "my-name",
  "123-abc",
);
const subdomainNote = regexNote(
  "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character",
  subdomain,
  "example.com",
);
const qualifiedMessage = "must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character";

/** The name of a container, a namespace, a port of a Service. */
export const dnsLabel: Rule = (text) => [
  ...(bytes(text) > labelLength ? [characters(labelLength)] : []),
  ...(labelRegex.test(text) ? [] : text.includes(".") ? ["must not contain dots"] : [labelNote]),
];

/** The name of most objects. */
export const dnsSubdomain: Rule = (text) => [
  ...(bytes(text) > subdomainLength ? [characters(subdomainLength)] : []),
  ...(subdomainRegex.test(text) ? [] : [subdomainNote]),
];

export const dns1035Label: Rule = (text) => [
  ...(bytes(text) > labelLength ? [characters(labelLength)] : []),
  ...(dns1035Regex.test(text)
    ? []
    : [
        regexNote(
          "a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an alphabetic character, and end with an alphanumeric character",
          dns1035,
          "my-name",
          "abc-123",
        ),
      ]),
];

/** `*.` and a subdomain. */
export const wildcardDnsSubdomain: Rule = (text) => [
  ...(bytes(text) > subdomainLength ? [characters(subdomainLength)] : []),
  ...(wildcardRegex.test(text)
    ? []
    : [
        regexNote(
          "a wildcard DNS-1123 subdomain must start with '*.', followed by a valid DNS subdomain, which must consist of lower case alphanumeric characters, '-' or '.' and end with an alphanumeric character",
          `\\*\\.${subdomain}`,
          "*.example.com",
        ),
      ]),
];

/** Names of roles and the like: anything that fits into a path. */
export const pathSegment: Rule = (text) => {
  if (text === "." || text === "..") return [`may not be '${text}'`];
  return ["/", "%"].filter((illegal) => text.includes(illegal)).map((illegal) => `may not contain '${illegal}'`);
};

/** What can be part of a generated name: like the rule, but it may end in a dash. */
export const asPrefix =
  (rule: Rule): Rule =>
  (text) =>
    rule(text.endsWith("-") && text.length > 1 ? `${text.slice(0, -1)}a` : text);

/** A label or annotation key: `[prefix/]name`. */
export const qualifiedName: Rule = (text) => {
  const parts = text.split("/");
  if (parts.length > 2) {
    const example = regexNote(`a valid label key ${qualifiedMessage}`, qualified, "MyName", "my.name", "123-abc");
    return [`${example} with an optional DNS subdomain prefix and '/' (e.g. 'example.com/MyName')`];
  }
  const complaints: string[] = [];
  const name = parts.at(-1) as string;
  if (parts.length === 2) {
    const prefix = parts[0] as string;
    if (prefix === "") complaints.push("prefix part must be non-empty");
    else {
      // Counted in bytes here, where a name of its own counts characters.
      const about = dnsSubdomain(prefix).map((complaint) =>
        complaint === characters(subdomainLength) ? atMostBytes(subdomainLength) : complaint,
      );
      complaints.push(...about.map((complaint) => `prefix part ${complaint}`));
    }
  }
  if (name === "") complaints.push("name part must be non-empty");
  else if (bytes(name) > labelLength) complaints.push(`name part ${atMostBytes(labelLength)}`);
  if (!qualifiedRegex.test(name)) {
    complaints.push(regexNote(`name part ${qualifiedMessage}`, qualified, "MyName", "my.name", "123-abc"));
  }
  return complaints;
};

export const labelValue: Rule = (text) => [
  ...(bytes(text) > labelLength ? [atMostBytes(labelLength)] : []),
  ...(labelValuePattern.test(text)
    ? []
    : [
        regexNote(
          "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character",
          labelValueRegex,
          "MyValue",
          "my_value",
          "12345",
        ),
      ]),
];

/** The name of a container's port, also as target port. */
export const portName: Rule = (text) => {
  const complaints: string[] = [];
  if (text.length > 15) complaints.push(characters(15));
  if (!/^[-a-z0-9]+$/.test(text)) complaints.push("must contain only alpha-numeric characters (a-z, 0-9), and hyphens (-)");
  if (!/[a-z]/.test(text)) complaints.push("must contain at least one letter (a-z)");
  if (text.includes("--")) complaints.push("must not contain consecutive hyphens");
  if (text.startsWith("-") || text.endsWith("-")) complaints.push("must not begin or end with a hyphen");
  return complaints;
};

export const portNumber = (port: number): string[] => (port >= 1 && port <= 65535 ? [] : ["must be between 1 and 65535, inclusive"]);

/** The key of a ConfigMap or Secret. */
export const configMapKey: Rule = (text) => {
  const complaints: string[] = [];
  if (bytes(text) > subdomainLength) complaints.push(characters(subdomainLength));
  if (!configKeyRegex.test(text)) {
    complaints.push(
      regexNote(
        "a valid config key must consist of alphanumeric characters, '-', '_' or '.'",
        "[-._a-zA-Z0-9]+",
        "key.name",
        "KEY_NAME",
        "key-name",
      ),
    );
  }
  if (text === ".") complaints.push("must not be '.'");
  else if (text === "..") complaints.push("must not be '..'");
  else if (text.startsWith("..")) complaints.push("must not start with '..'");
  return complaints;
};

export const envVarName: Rule = (text) =>
  envVarRegex.test(text) ? [] : ["a valid environment variable name must consist only of printable ASCII characters other than '='"];

/** How names of a kind may look, by the name of the rule in its strategy. */
export const nameRules = {
  "dns-subdomain": dnsSubdomain,
  "dns-label": dnsLabel,
  "dns1035-label": dns1035Label,
  "path-segment": pathSegment,
} satisfies Record<string, Rule>;
