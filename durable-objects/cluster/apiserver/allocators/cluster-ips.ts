import type { Random } from "../../api/ports.ts";
/** PLACEHOLDER interface, the kinds' author replaces it. */
export interface ClusterIPAllocator {
  allocate(family: "IPv4" | "IPv6", random: Random): string;
}
