/**
 * Mistakes in what steers the scheduler: affinity, tolerations, spreading.
 */
import { duplicate, type FieldError, invalid, notSupported, required } from "../../api/field-error.ts";
import { dnsLabel, dnsSubdomain, labelValue, qualifiedName } from "../../api/names.ts";
import { type SelectorExpression, validateExpression, validateLabelSelector } from "./label-selector.ts";
import { complaintsAbout } from "./object-meta.ts";

type Fields = Record<string, any>;

const required_ = "requiredDuringSchedulingIgnoredDuringExecution";
const preferred = "preferredDuringSchedulingIgnoredDuringExecution";

export function validateAffinity(affinity: Fields | undefined, field: string): FieldError[] {
  if (!affinity) return [];
  return [
    ...validateNodeAffinity(affinity.nodeAffinity, `${field}.nodeAffinity`),
    ...validatePodAffinity(affinity.podAffinity, `${field}.podAffinity`),
    ...validatePodAffinity(affinity.podAntiAffinity, `${field}.podAntiAffinity`),
  ];
}

function validateNodeAffinity(affinity: Fields | undefined, field: string): FieldError[] {
  if (!affinity) return [];
  const errors: FieldError[] = [];
  const must = affinity[required_] as Fields | undefined;
  if (must) {
    const here = `${field}.${required_}.nodeSelectorTerms`;
    const terms = (must.nodeSelectorTerms ?? []) as Fields[];
    if (terms.length === 0) errors.push(required(here, "must have at least one node selector term"));
    errors.push(...terms.flatMap((term, at) => validateNodeTerm(term, `${here}[${at}]`)));
  }
  for (const [at, term] of ((affinity[preferred] ?? []) as Fields[]).entries()) {
    const here = `${field}.${preferred}[${at}]`;
    errors.push(...validateWeight(term.weight, here), ...validateNodeTerm(term.preference, `${here}.preference`));
  }
  return errors;
}

const validateWeight = (weight: number | undefined, field: string): FieldError[] =>
  (weight ?? 0) < 1 || (weight ?? 0) > 100 ? [invalid(`${field}.weight`, weight ?? 0, "must be in the range 1-100")] : [];

function validateNodeTerm(term: Fields | undefined, field: string): FieldError[] {
  return [
    ...((term?.matchExpressions ?? []) as SelectorExpression[]).flatMap((item, at) =>
      validateExpression(item, `${field}.matchExpressions[${at}]`, true),
    ),
    ...((term?.matchFields ?? []) as Fields[]).flatMap((item, at) => validateFieldRequirement(item, `${field}.matchFields[${at}]`)),
  ];
}

function validateFieldRequirement({ key = "", operator = "", values = [] }: Fields, field: string): FieldError[] {
  const errors: FieldError[] = [];
  if (operator !== "In" && operator !== "NotIn") errors.push(invalid(`${field}.operator`, operator, "not a valid selector operator"));
  else if (values.length !== 1) {
    errors.push(required(`${field}.values`, "must be only one value when `operator` is 'In' or 'NotIn' for node field selector"));
  }
  if (key !== "metadata.name") return [...errors, invalid(`${field}.key`, key, "not a valid field selector key")];
  for (const [at, value] of (values as string[]).entries()) errors.push(...complaintsAbout(`${field}.values[${at}]`, value, dnsSubdomain));
  return errors;
}

function validatePodAffinity(affinity: Fields | undefined, field: string): FieldError[] {
  if (!affinity) return [];
  return [
    ...((affinity[required_] ?? []) as Fields[]).flatMap((term, at) => validatePodTerm(term, `${field}.${required_}[${at}]`)),
    ...((affinity[preferred] ?? []) as Fields[]).flatMap((term, at) => {
      const here = `${field}.${preferred}[${at}]`;
      return [...validateWeight(term.weight, here), ...validatePodTerm(term.podAffinityTerm, `${here}.podAffinityTerm`)];
    }),
  ];
}

function validatePodTerm(term: Fields | undefined, field: string): FieldError[] {
  const key: string = term?.topologyKey ?? "";
  return [
    ...validateLabelSelector(term?.labelSelector, `${field}.labelSelector`),
    ...validateLabelSelector(term?.namespaceSelector, `${field}.namespaceSelector`),
    ...((term?.namespaces ?? []) as string[]).flatMap((name) => complaintsAbout(`${field}.namespace`, name, dnsLabel)),
    ...(key === "" ? [required(`${field}.topologyKey`, "can not be empty")] : []),
    ...complaintsAbout(`${field}.topologyKey`, key, qualifiedName),
  ];
}

const effects = ["NoSchedule", "PreferNoSchedule", "NoExecute"];

export function validateTolerations(tolerations: readonly Fields[], field: string): FieldError[] {
  return tolerations.flatMap((toleration, at) => validateToleration(toleration ?? {}, `${field}[${at}]`));
}

function validateToleration({ key, operator, value, effect, tolerationSeconds }: Fields, field: string): FieldError[] {
  const errors: FieldError[] = key ? complaintsAbout(`${field}.key`, key, qualifiedName) : [];
  if (!key && operator !== "Exists") {
    errors.push(
      invalid(
        `${field}.operator`,
        operator ?? "",
        'operator must be Exists when `key` is empty, which means "match all values and all keys"',
      ),
    );
  }
  if (tolerationSeconds !== undefined && effect !== "NoExecute") {
    errors.push(invalid(`${field}.effect`, effect ?? "", "effect must be 'NoExecute' when `tolerationSeconds` is set"));
  }
  switch (operator ?? "") {
    case "Equal":
    case "":
      errors.push(...complaintsAbout(`${field}.operator`, value ?? "", labelValue));
      break;
    case "Exists":
      if (value) errors.push(invalid(`${field}.operator`, value, "value must be empty when `operator` is 'Exists'"));
      break;
    default:
      // The server names operators that it only takes with a feature switched on.
      errors.push(notSupported(`${field}.operator`, operator, ["Equal", "Exists", "Lt", "Gt"]));
  }
  if (effect && !effects.includes(effect)) errors.push(notSupported(`${field}.effect`, effect, effects));
  return errors;
}

export function validateSpread(constraints: readonly Fields[], field: string): FieldError[] {
  return constraints.flatMap((constraint, at) => {
    const here = `${field}[${at}]`;
    const { maxSkew = 0, topologyKey = "", whenUnsatisfiable = "" } = constraint ?? {};
    const errors: FieldError[] = [];
    if (maxSkew <= 0) errors.push(invalid(`${here}.maxSkew`, maxSkew, "must be greater than zero"));
    errors.push(
      ...(topologyKey === ""
        ? [required(`${here}.topologyKey`, "can not be empty")]
        : complaintsAbout(`${here}.topologyKey`, topologyKey, qualifiedName)),
      ...(["DoNotSchedule", "ScheduleAnyway"].includes(whenUnsatisfiable)
        ? []
        : [notSupported(`${here}.whenUnsatisfiable`, whenUnsatisfiable, ["DoNotSchedule", "ScheduleAnyway"])]),
      ...duplicateSpread(constraints, at, here),
      ...validateMinDomains(constraint ?? {}, `${here}.minDomains`),
    );
    for (const member of ["nodeAffinityPolicy", "nodeTaintsPolicy"]) {
      const policy = constraint?.[member];
      if (policy !== undefined && !["Honor", "Ignore"].includes(policy))
        errors.push(notSupported(`${here}.${member}`, policy, ["Honor", "Ignore"]));
    }
    errors.push(...validateLabelSelector(constraint?.labelSelector, `${here}.labelSelector`));
    return errors;
  });
}

/** The server reports the pair at the first constraint that has a double. */
function duplicateSpread(constraints: readonly Fields[], at: number, field: string): FieldError[] {
  const { topologyKey = "", whenUnsatisfiable = "" } = constraints[at] ?? {};
  const hasDouble = constraints
    .slice(at + 1)
    .some((other) => (other?.topologyKey ?? "") === topologyKey && (other?.whenUnsatisfiable ?? "") === whenUnsatisfiable);
  return hasDouble ? [duplicate(`${field}.{topologyKey, whenUnsatisfiable}`, `{${topologyKey}, ${whenUnsatisfiable}}`)] : [];
}

function validateMinDomains({ minDomains, whenUnsatisfiable }: Fields, field: string): FieldError[] {
  if (minDomains === undefined) return [];
  const errors: FieldError[] = [];
  if (minDomains <= 0) errors.push(invalid(field, minDomains, "must be greater than zero"));
  if (whenUnsatisfiable !== "DoNotSchedule") {
    errors.push(invalid(field, minDomains, `can only use minDomains if whenUnsatisfiable=DoNotSchedule, not ${whenUnsatisfiable}`));
  }
  return errors;
}
