/**
 * Mistakes in security contexts of pods and containers.
 */
import { duplicate, type FieldError, invalid, required } from "../../api/field-error.ts";
import { between, largestInt32, oneOf } from "./checks.ts";

type Fields = Record<string, any>;

const userId = (field: string, value: number | undefined): FieldError[] =>
  value === undefined ? [] : between(field, value, 0, largestInt32);

export function validatePodSecurity(context: Fields | undefined, field: string): FieldError[] {
  if (!context) return [];
  const errors = [...userId(`${field}.fsGroup`, context.fsGroup), ...userId(`${field}.runAsUser`, context.runAsUser)];
  errors.push(...userId(`${field}.runAsGroup`, context.runAsGroup));
  for (const [at, group] of ((context.supplementalGroups ?? []) as number[]).entries()) {
    errors.push(...userId(`${field}.supplementalGroups[${at}]`, group));
  }
  errors.push(...validateSysctls(context.sysctls ?? [], `${field}.sysctls`));
  if (context.fsGroupChangePolicy !== undefined) {
    errors.push(...oneOf(`${field}.fsGroupChangePolicy`, context.fsGroupChangePolicy, ["Always", "OnRootMismatch"]));
  }
  errors.push(...validateProfile(context.seccompProfile, `${field}.seccompProfile`, "seccomp"));
  errors.push(...validateProfile(context.appArmorProfile, `${field}.appArmorProfile`, "appArmor"));
  if (context.supplementalGroupsPolicy !== undefined) {
    errors.push(...oneOf(`${field}.supplementalGroupsPolicy`, context.supplementalGroupsPolicy, ["Merge", "Strict"]));
  }
  return errors;
}

export function validateContainerSecurity(context: Fields | undefined, field: string): FieldError[] {
  if (!context) return [];
  const errors: FieldError[] = [];
  errors.push(...userId(`${field}.runAsUser`, context.runAsUser), ...userId(`${field}.runAsGroup`, context.runAsGroup));
  if (context.procMount !== undefined) errors.push(...oneOf(`${field}.procMount`, context.procMount, ["Default", "Unmasked"]));
  if (context.allowPrivilegeEscalation === false) {
    const because = (with_: string) => `cannot set \`allowPrivilegeEscalation\` to false and \`${with_}\` to true`;
    if (context.privileged) errors.push(invalid(field, shownContext(context), because("privileged")));
    if (context.capabilities?.add?.includes("CAP_SYS_ADMIN")) {
      errors.push(
        invalid(field, shownContext(context), "cannot set `allowPrivilegeEscalation` to false and `capabilities.Add` CAP_SYS_ADMIN"),
      );
    }
  }
  errors.push(...validateProfile(context.seccompProfile, `${field}.seccompProfile`, "seccomp"));
  errors.push(...validateProfile(context.appArmorProfile, `${field}.appArmorProfile`, "appArmor"));
  return errors;
}

/** The server's own structure, all members in order. */
const shownContext = (context: Fields): object => ({
  Capabilities: context.capabilities ? { Add: context.capabilities.add ?? null, Drop: context.capabilities.drop ?? null } : null,
  Privileged: context.privileged ?? null,
  SELinuxOptions: context.seLinuxOptions ?? null,
  WindowsOptions: context.windowsOptions ?? null,
  RunAsUser: context.runAsUser ?? null,
  RunAsGroup: context.runAsGroup ?? null,
  RunAsNonRoot: context.runAsNonRoot ?? null,
  ReadOnlyRootFilesystem: context.readOnlyRootFilesystem ?? null,
  AllowPrivilegeEscalation: context.allowPrivilegeEscalation ?? null,
  ProcMount: context.procMount ?? null,
  SeccompProfile: context.seccompProfile ?? null,
  AppArmorProfile: context.appArmorProfile ?? null,
});

const profileTypes = ["Localhost", "RuntimeDefault", "Unconfined"];

function validateProfile(profile: Fields | undefined, field: string, system: "seccomp" | "appArmor"): FieldError[] {
  if (!profile) return [];
  if (!profile.type)
    return [
      required(
        `${field}.type`,
        system === "seccomp" ? "type is required when seccompProfile is set" : "type is required when appArmorProfile is set",
      ),
    ];
  const local = profile.localhostProfile as string | undefined;
  const errors: FieldError[] = [];
  if (profile.type === "Localhost") {
    if (!local) errors.push(required(`${field}.localhostProfile`, `must be set when ${system} type is Localhost`));
    else if (local.startsWith("/")) errors.push(invalid(`${field}.localhostProfile`, local, "must be a relative path"));
    else if (local.split("/").includes("..")) errors.push(invalid(`${field}.localhostProfile`, local, "must not contain '..'"));
  } else if (local !== undefined) {
    const shown = { Type: profile.type, LocalhostProfile: local };
    errors.push(invalid(`${field}.localhostProfile`, shown, `can only be set when ${system} type is Localhost`));
  }
  if (!profileTypes.includes(profile.type)) errors.push(...oneOf(`${field}.type`, profile.type, profileTypes));
  return errors;
}

const sysctlPattern = /^([a-z0-9]([-_a-z0-9]*[a-z0-9])?[./])*[a-z0-9]([-_a-z0-9]*[a-z0-9])?$/;

function validateSysctls(sysctls: readonly Fields[], field: string): FieldError[] {
  const names = new Set<string>();
  return sysctls.flatMap(({ name = "" }, at) => {
    const here = `${field}[${at}].name`;
    const errors: FieldError[] = [];
    if (name === "") errors.push(required(here));
    else if (name.length > 253 || !sysctlPattern.test(name)) {
      errors.push(
        invalid(
          here,
          name,
          "must have at most 253 characters and match regex ^([a-z0-9]([-_a-z0-9]*[a-z0-9])?[\\./])*[a-z0-9]([-_a-z0-9]*[a-z0-9])?$",
        ),
      );
    } else if (names.has(name)) errors.push(duplicate(here, name));
    names.add(name);
    return errors;
  });
}
