/**
 * Mistakes in probes and lifecycle hooks: what is asked of a container, and how.
 */
import { type FieldError, forbiddenField, invalid, required } from "../../api/field-error.ts";
import { between, nonNegative, oneOf } from "./checks.ts";
import { validatePortOrName } from "./service.ts";

type Fields = Record<string, any>;

export function validateLifecycle(lifecycle: Fields | undefined, field: string, graceSeconds: number): FieldError[] {
  return ["postStart", "preStop"].flatMap((hook) =>
    lifecycle?.[hook] ? validateHandler(lifecycle[hook], `${field}.${hook}`, ["exec", "httpGet", "tcpSocket", "sleep"], graceSeconds) : [],
  );
}

type ProbeKind = "liveness" | "readiness" | "startup";

export function validateProbe(probe: Fields | undefined, field: string, kind: ProbeKind): FieldError[] {
  if (!probe) return [];
  const errors = validateHandler(probe, field, ["exec", "httpGet", "tcpSocket", "grpc"], undefined);
  for (const member of ["initialDelaySeconds", "timeoutSeconds", "periodSeconds", "successThreshold", "failureThreshold"]) {
    errors.push(...nonNegative(`${field}.${member}`, probe[member]));
  }
  const grace = probe.terminationGracePeriodSeconds as number | undefined;
  if (grace !== undefined && grace <= 0) errors.push(invalid(`${field}.terminationGracePeriodSeconds`, grace, "must be greater than 0"));
  if (kind === "readiness" && grace !== undefined) {
    errors.push(invalid(`${field}.terminationGracePeriodSeconds`, grace, "must not be set for readinessProbes"));
  }
  if (kind !== "readiness" && probe.successThreshold !== undefined && probe.successThreshold !== 1) {
    errors.push(invalid(`${field}.successThreshold`, probe.successThreshold, "must be 1"));
  }
  return errors;
}

const handlerChecks: Record<string, (handler: Fields, field: string, graceSeconds: number | undefined) => FieldError[]> = {
  exec: ({ command }, field) => (command?.length ? [] : [required(`${field}.command`)]),
  httpGet: (handler, field) => [
    ...(handler.path ? [] : [required(`${field}.path`)]),
    ...validatePortOrName(`${field}.port`, handler.port ?? 0),
    ...oneOf(`${field}.scheme`, handler.scheme, ["HTTP", "HTTPS"]),
    ...((handler.httpHeaders ?? []) as Fields[]).flatMap((header) =>
      /^[-A-Za-z0-9]+$/.test(header.name ?? "")
        ? []
        : [
            invalid(
              `${field}.httpHeaders`,
              header.name ?? "",
              "a valid HTTP header must consist of alphanumeric characters or '-' (e.g. 'X-Header-Name', regex used for validation is '[-A-Za-z0-9]+')",
            ),
          ],
    ),
  ],
  tcpSocket: (handler, field) => validatePortOrName(`${field}.port`, handler.port ?? 0),
  grpc: (handler, field) => between(`${field}.port`, handler.port ?? 0, 1, 65535),
  sleep: ({ seconds = 0 }, field, graceSeconds = 0) =>
    seconds < 0 || seconds > graceSeconds
      ? [invalid(field, seconds, `must be non-negative and less than terminationGracePeriodSeconds (${graceSeconds})`)]
      : [],
};

function validateHandler(handler: Fields, field: string, kinds: readonly string[], graceSeconds: number | undefined): FieldError[] {
  const errors: FieldError[] = [];
  let count = 0;
  for (const kind of kinds) {
    if (!handler[kind]) continue;
    count += 1;
    if (count > 1) errors.push(forbiddenField(`${field}.${kind}`, "may not specify more than 1 handler type"));
    else errors.push(...(handlerChecks[kind] as (typeof handlerChecks)[string])(handler[kind], `${field}.${kind}`, graceSeconds));
  }
  return count === 0 ? [required(field, "must specify a handler type"), ...errors] : errors;
}
