/** What a curl command line asks for. */
import type { HeaderList } from "../../api/ports.ts";

export interface CurlPlan {
  method: string;
  isMethodForced: boolean;
  data: Uint8Array | undefined;
  /** `-G`: the data as part of the URL. */
  query: string | undefined;
  dataType: string;
  accept: string;
  headers: HeaderList;
  userAgent: string;
  user: string | undefined;
  cookie: string | undefined;
  referer: string | undefined;
  isVerbose: boolean;
  isSilent: boolean;
  showsErrors: boolean;
  hasMeter: boolean;
  /** `-#` */
  hasBar: boolean;
  showsHead: boolean;
  isHead: boolean;
  follows: boolean;
  maxRedirects: number;
  fails: "quietly" | "with-body" | undefined;
  /** `-m` or `--connect-timeout` */
  hasLimit: boolean;
  maxTime: number | undefined;
  connectTimeout: number | undefined;
  family: 4 | 6 | undefined;
  httpVersion: "1.0" | "1.1";
  output: string | undefined;
  usesRemoteName: boolean;
  writeOut: string | undefined;
  /** `host:port` -> address */
  resolved: ReadonlyMap<string, string>;
  retries: number;
  /** Seconds; absent: longer every time. */
  retryDelay: number | undefined;
  retriesRefused: boolean;
}
