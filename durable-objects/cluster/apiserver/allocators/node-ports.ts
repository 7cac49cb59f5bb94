import type { Random } from "../../api/ports.ts";
/** PLACEHOLDER interface, the kinds' author replaces it. */
export interface NodePortAllocator {
  allocate(protocol: string, random: Random): number;
}
