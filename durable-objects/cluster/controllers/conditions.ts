/** Conditions in the lists of a status: one entry a type, the one set last stands last. */
import { timeOf } from "../api/time.ts";

export interface Condition {
  type: string;
  status: string;
  lastTransitionTime?: string;
  reason?: string;
  message?: string;
}

export const conditionOf = <C extends Condition>(conditions: readonly C[] | undefined, type: string): C | undefined =>
  conditions?.find((condition) => condition.type === type);

/** Keeps the entry that has the same status and reason; keeps the time of transition where the status is the same. */
export function withCondition<C extends Condition>(conditions: readonly C[], next: C, now: number): C[] {
  const current = conditionOf(conditions, next.type);
  if (current && current.status === next.status && current.reason === next.reason) return [...conditions];
  const since = current && current.status === next.status ? current.lastTransitionTime : (next.lastTransitionTime ?? timeOf(now));
  return [...withoutCondition(conditions, next.type), { ...next, lastTransitionTime: since }];
}

export const withoutCondition = <C extends Condition>(conditions: readonly C[], type: string): C[] =>
  conditions.filter((condition) => condition.type !== type);
