/** Who asks. Made at the edge from a credential; every surface checks it with `authorize` before anything reads or writes. */
export interface Principal {
  user: string;
  groups: readonly string[];
  /** How the credential came: for the audit line, never for a decision. */
  via: "bearer" | "path" | "cookie" | "subprotocol" | "anonymous" | "internal";
}
