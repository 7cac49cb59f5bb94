/** What has no end in a real shell ends by count in an emulated one, and says so. */

export const shellLimits = { commands: 5000, iterations: 5000, depth: 100, bytes: 1024 * 1024 } as const;

const told = (what: string): string => `kubearium: stopped after ${what}: what has no end in a real shell ends by count here\n`;

/** Half of what the evaluator takes, so that a pipe can hold it twice. */
export const endlessOutput = { bytes: shellLimits.bytes / 2, words: told("512 KiB of output") } as const;

/** The evaluator's complaint about one of its limits, in our words. */
export function limitWords(stderr: string): string {
  return stderr
    .replace(/^.*too many commands executed.*\n/gm, told(`${shellLimits.commands} commands`))
    .replace(/^.*iteration limit exceeded.*\n/gm, told(`${shellLimits.iterations} rounds`))
    .replace(/^.*too many iterations.*\n/gm, told(`${shellLimits.iterations} rounds`))
    .replace(/^.*recursion depth.*exceeded.*\n/gm, told(`${shellLimits.depth} calls within each other`))
    .replace(/^.*(string length limit|output size) exceeded.*\n/gm, told("1 MiB of output"))
    .replace(/, increase executionLimits\.\w+/g, "");
}
