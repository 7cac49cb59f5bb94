/** The options of a DELETE: from the body where there is one, else from the query, which the body hides whole. */
import type { DeleteOptions } from "../api/controller.ts";
import { type FieldError, invalid, invalidObject, notSupported } from "../api/field-error.ts";
import { badRequest } from "../api/status-error.ts";
import { decodeObject } from "./fields/decode.ts";

export interface ParsedDeleteOptions extends DeleteOptions {
  dryRun: boolean;
}

const policies = ["Foreground", "Background", "Orphan", "nil"];

/** @throws StatusError 400, 422 as kube-apiserver words them */
export function deleteOptions(body: Uint8Array, contentType: string, query: URLSearchParams): ParsedDeleteOptions {
  const sent =
    body.length > 0
      ? decodeObject(body, contentType, { group: "", version: "v1", kind: "DeleteOptions" }, "Ignore").object
      : fromQuery(query);
  const { gracePeriodSeconds, propagationPolicy, orphanDependents, preconditions, dryRun } = sent as {
    gracePeriodSeconds?: number;
    propagationPolicy?: string;
    orphanDependents?: boolean;
    preconditions?: { uid?: string; resourceVersion?: string };
    dryRun?: string[];
  };
  const errors: FieldError[] = [];
  if (propagationPolicy !== undefined && orphanDependents !== undefined) {
    errors.push(invalid("propagationPolicy", propagationPolicy, "orphanDependents and deletionPropagation cannot be both set"));
  } else if (propagationPolicy !== undefined && !policies.slice(0, 3).includes(propagationPolicy)) {
    errors.push(notSupported("propagationPolicy", propagationPolicy, policies));
  }
  errors.push(...dryRunErrors(dryRun ?? []));
  if (errors.length > 0) throw invalidObject({ group: "meta.k8s.io", kind: "DeleteOptions" }, "", errors);
  return {
    ...(preconditions?.uid === undefined ? {} : { uid: preconditions.uid }),
    ...(preconditions?.resourceVersion === undefined ? {} : { resourceVersion: preconditions.resourceVersion }),
    ...(gracePeriodSeconds === undefined ? {} : { gracePeriodSeconds: gracePeriodSeconds < 0 ? 1 : gracePeriodSeconds }),
    ...policyOf(propagationPolicy, orphanDependents),
    dryRun: (dryRun ?? []).includes("All"),
  };
}

export const dryRunErrors = (values: readonly string[]): FieldError[] =>
  values.every((value) => value === "All") ? [] : [notSupported("dryRun", values, ["All"])];

function policyOf(policy: string | undefined, orphanDependents: boolean | undefined): Pick<DeleteOptions, "propagationPolicy"> {
  if (policy !== undefined) return { propagationPolicy: policy as NonNullable<DeleteOptions["propagationPolicy"]> };
  if (orphanDependents === undefined) return {};
  return { propagationPolicy: orphanDependents ? "Orphan" : "Background" };
}

function fromQuery(query: URLSearchParams): Record<string, unknown> {
  const options: Record<string, unknown> = {};
  const grace = query.get("gracePeriodSeconds");
  if (grace !== null && grace !== "") {
    if (!/^-?\d+$/.test(grace)) throw badRequest(`strconv.ParseInt: parsing ${JSON.stringify(grace)}: invalid syntax`);
    if (BigInt.asIntN(64, BigInt(grace)) !== BigInt(grace))
      throw badRequest(`strconv.ParseInt: parsing ${JSON.stringify(grace)}: value out of range`);
    options.gracePeriodSeconds = Number(grace);
  }
  const policy = query.get("propagationPolicy");
  if (policy !== null && policy !== "") options.propagationPolicy = policy;
  const orphan = query.get("orphanDependents");
  if (orphan !== null && orphan !== "") options.orphanDependents = orphan !== "false" && orphan !== "0";
  const dryRun = query.getAll("dryRun");
  if (dryRun.length > 0) options.dryRun = dryRun;
  return options;
}
