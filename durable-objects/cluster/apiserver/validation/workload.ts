/**
 * What kinds with a pod template and a selector have in common.
 */
import { type FieldError, invalid, required } from "../../api/field-error.ts";
import { type LabelSelector, matchesLabelSelector } from "../../api/label-selector.ts";
import { same } from "../../api/same.ts";
import { oneOf } from "./checks.ts";
import { shownSelector, sorted, validateLabelSelector } from "./label-selector.ts";
import { validatePodTemplate } from "./pod-spec.ts";

type Fields = Record<string, any>;

/** `selector` and `template`: present, valid, and made for each other. */
export function validateSelectorAndTemplate(spec: Fields): FieldError[] {
  const selector = spec.selector as LabelSelector | undefined;
  const errors: FieldError[] = [];
  if (!selector) errors.push(required("spec.selector"));
  else {
    errors.push(...validateLabelSelector(selector, "spec.selector"));
    if (isEmpty(selector)) errors.push(invalid("spec.selector", shownSelector(selector), "empty selector is invalid for deployment"));
  }
  const isReadable = !selector || validateLabelSelector(selector, "").length === 0;
  if (!isReadable) return [...errors, invalid("spec.selector", shownSelector(selector), "invalid label selector")];
  const labels = spec.template?.metadata?.labels as Record<string, string> | undefined;
  const isMatch = selector ? isEmpty(selector) || matchesLabelSelector(selector, labels) : false;
  if (!isMatch) {
    const shown = labels ? sorted(labels) : null;
    errors.push(invalid("spec.template.metadata.labels", shown, "`selector` does not match template `labels`"));
  }
  errors.push(...validatePodTemplate(spec.template, "spec.template"));
  const policy = spec.template?.spec?.restartPolicy as string | undefined;
  if (policy !== "Always") errors.push(...oneOf("spec.template.spec.restartPolicy", policy, ["Always"]));
  if (spec.template?.spec?.activeDeadlineSeconds !== undefined) {
    errors.push({
      type: "FieldValueForbidden",
      field: "spec.template.spec.activeDeadlineSeconds",
      message: "Forbidden: activeDeadlineSeconds in ReplicaSet is not Supported",
    });
  }
  return errors;
}

const isEmpty = ({ matchLabels, matchExpressions }: LabelSelector): boolean =>
  Object.keys(matchLabels ?? {}).length === 0 && (matchExpressions?.length ?? 0) === 0;

export const validateSelectorKept = (next: Fields, previous: Fields): FieldError[] =>
  same(next.selector, previous.selector) ? [] : [invalid("spec.selector", shownSelector(next.selector), "field is immutable")];
