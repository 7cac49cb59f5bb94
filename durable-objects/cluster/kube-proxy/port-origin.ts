/**
 * Where the rules of a service port come from. There are many, and few are asked, so the list of objects is made then.
 */
import type { ObjectRef } from "../api/network.ts";
import type { Endpoint } from "./endpoint-changes.ts";
import type { RuleOrigin, RuleRole } from "./rule-set.ts";
import type { ServicePort } from "./service-changes.ts";

export class PortOrigin implements RuleOrigin {
  readonly role: RuleRole;
  readonly #port: ServicePort;
  readonly #endpoints: readonly Endpoint[];

  constructor(role: RuleRole, port: ServicePort, endpoints: readonly Endpoint[] = none) {
    this.role = role;
    this.#port = port;
    this.#endpoints = endpoints;
  }

  get objects(): ObjectRef[] {
    return [this.#port.object, ...this.#endpoints.flatMap((endpoint) => endpoint.objects)];
  }
}

const none: readonly Endpoint[] = [];
