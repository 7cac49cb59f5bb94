/**
 * How kubectl and the Tables of the API write how long ago something was: `5s`, `3m12s`, `4h`, `2d3h`, `1y40d`.
 */
const secondMs = 1000;
const minuteSeconds = 60;
const hourMinutes = 60;
const dayHours = 24;
const yearDays = 365;

/** Rounds down. The finer unit is dropped when it is 0, and from about ten of the coarser unit on. */
export function humanDuration(ms: number): string {
  const seconds = Math.trunc(ms / secondMs);
  if (seconds < -1) return "<invalid>";
  if (seconds < 0) return "0s";
  if (seconds < minuteSeconds * 2) return `${seconds}s`;
  const minutes = Math.trunc(seconds / minuteSeconds);
  if (minutes < 10) return two(minutes, "m", seconds % minuteSeconds, "s");
  if (minutes < hourMinutes * 3) return `${minutes}m`;
  const hours = Math.trunc(minutes / hourMinutes);
  if (hours < 8) return two(hours, "h", minutes % hourMinutes, "m");
  if (hours < dayHours * 2) return `${hours}h`;
  const days = Math.trunc(hours / dayHours);
  if (days < 8) return two(days, "d", hours % dayHours, "h");
  if (days < yearDays * 2) return `${days}d`;
  const years = Math.trunc(days / yearDays);
  if (years < 8) return two(years, "y", days % yearDays, "d");
  return `${years}y`;
}

const two = (coarse: number, coarseUnit: string, fine: number, fineUnit: string): string =>
  fine === 0 ? `${coarse}${coarseUnit}` : `${coarse}${coarseUnit}${fine}${fineUnit}`;

/** The age of something that began at a time; what has no time is `<unknown>`. */
export function age(time: string | undefined | null, now: number): string {
  if (time === undefined || time === null || time === "") return "<unknown>";
  return humanDuration(now - Date.parse(time));
}
