/**
 * Mistakes in a LabelSelector of the API.
 */
import { type FieldError, forbiddenField, invalid, required } from "../../api/field-error.ts";
import type { LabelSelector } from "../../api/label-selector.ts";
import { labelValue, qualifiedName } from "../../api/names.ts";
import { complaintsAbout, validateLabels } from "./object-meta.ts";

export function validateLabelSelector(selector: LabelSelector | null | undefined, field: string): FieldError[] {
  if (!selector) return [];
  return [
    ...validateLabels(selector.matchLabels, `${field}.matchLabels`),
    ...(selector.matchExpressions ?? []).flatMap((expression, at) => validateExpression(expression, `${field}.matchExpressions[${at}]`)),
  ];
}

export type SelectorExpression = NonNullable<LabelSelector["matchExpressions"]>[number];

/** @param canCompare what selects nodes may also ask for more (`Gt`) or less (`Lt`) than a number */
export function validateExpression(expression: SelectorExpression, field: string, canCompare = false): FieldError[] {
  const { key = "", operator = "", values = [] } = expression ?? {};
  const errors: FieldError[] = [];
  switch (operator) {
    case "In":
    case "NotIn":
      if (values.length === 0) errors.push(required(`${field}.values`, "must be specified when `operator` is 'In' or 'NotIn'"));
      break;
    case "Exists":
    case "DoesNotExist":
      if (values.length > 0)
        errors.push(forbiddenField(`${field}.values`, "may not be specified when `operator` is 'Exists' or 'DoesNotExist'"));
      break;
    default:
      if (!canCompare || (operator !== "Gt" && operator !== "Lt")) {
        errors.push(invalid(`${field}.operator`, operator, "not a valid selector operator"));
      } else if (values.length !== 1) {
        errors.push(required(`${field}.values`, "must be specified single value when `operator` is 'Lt' or 'Gt'"));
      }
  }
  errors.push(...complaintsAbout(`${field}.key`, key, qualifiedName));
  for (const [at, value] of values.entries()) errors.push(...complaintsAbout(`${field}.values[${at}]`, value, labelValue));
  return errors;
}

/** As the server shows a selector in a message. */
export const shownSelector = (selector: LabelSelector | null | undefined): object | null => {
  if (!selector) return null;
  const { matchLabels, matchExpressions } = selector;
  return {
    ...(matchLabels && Object.keys(matchLabels).length > 0 ? { matchLabels: sorted(matchLabels) } : {}),
    ...(matchExpressions?.length ? { matchExpressions } : {}),
  };
};

/** Maps are shown with their keys in order. */
export const sorted = <V>(map: Record<string, V>): Record<string, V> =>
  Object.fromEntries(Object.entries(map).sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0)));
