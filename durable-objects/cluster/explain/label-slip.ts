/** A selector that misses some labels by one slip: a key or a value spelled a little differently. */
import type { Labels } from "../api/label-selector.ts";
import { matchesLabelMap } from "../api/label-selector.ts";
import { nearest } from "./near.ts";

export interface LabelSlip {
  /** As it stands: `app=wbe`. */
  wrong: string;
  /** As the labels have it: `app=web`. */
  near: string;
  key: string;
  nearKey: string;
  nearValue: string;
  /** The selector with the slip corrected; it matches the labels. */
  corrected: Record<string, string>;
}

/** `undefined` where the selector matches already, or is further off than one slip. */
export function labelSlip(selector: Record<string, string> | undefined, labels: Labels): LabelSlip | undefined {
  if (selector === undefined || labels === undefined || matchesLabelMap(selector, labels)) return undefined;
  for (const [key, value] of Object.entries(selector)) {
    const { [key]: _, ...rest } = selector;
    const nearKey = Object.hasOwn(labels, key) ? key : nearest(key, Object.keys(labels));
    const nearValue = nearKey === undefined ? undefined : nearest(value, [labels[nearKey] as string]);
    if (nearKey === undefined || nearValue === undefined || (nearKey !== key && nearValue !== value)) continue;
    const corrected = { ...rest, [nearKey]: nearValue };
    if (!matchesLabelMap(corrected, labels)) continue;
    return { wrong: `${key}=${value}`, near: `${nearKey}=${nearValue}`, key, nearKey, nearValue, corrected };
  }
  return undefined;
}
