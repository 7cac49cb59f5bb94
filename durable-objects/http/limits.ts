/** The limits that every sandbox is told about. Each is enforced where it is named. */
import { maximumLifeSeconds, minimumTTLSeconds } from "./sandbox-record.ts";

/** A request body to the hub: options and a manifest. Enforced by `worker/sandboxes.ts`. */
export const createBodyBytes = 1_048_576;
export const maximumNodes = 100;

/** Sandboxes that one address may make within `creationWindowMs`. Enforced by the directory; local mode has no such limit. */
export const creationsPerWindow = 20;
export const creationWindowMs = 3600_000;

export const limits: Record<string, number> = {
  nodes: maximumNodes,
  createBodyBytes,
  minimumTTLSeconds,
  maximumLifeSeconds,
};
