/** Kubernetes times. */

/** RFC 3339 in UTC with whole seconds, as `metav1.Time`. */
export const timeOf = (ms: number): string => `${new Date(Math.floor(ms / 1000) * 1000).toISOString().slice(0, 19)}Z`;

/** RFC 3339 in UTC with six decimals, as `metav1.MicroTime`. */
export const microTimeOf = (ms: number): string => `${new Date(ms).toISOString().slice(0, 23)}000Z`;

/** Milliseconds since the epoch; `undefined` for an absent time. */
export const msOf = (time: string | undefined | null): number | undefined =>
  time === undefined || time === null ? undefined : Date.parse(time);
