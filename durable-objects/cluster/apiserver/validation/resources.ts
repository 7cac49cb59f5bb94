/**
 * Mistakes in requests and limits.
 */
import { type FieldError, invalid } from "../../api/field-error.ts";
import { qualifiedName } from "../../api/names.ts";
import { compareQuantities, isWholeQuantity, parseQuantity } from "../../api/quantity.ts";
import { complaintsAbout } from "./object-meta.ts";

interface Resources {
  limits?: Record<string, string>;
  requests?: Record<string, string>;
}

const containerResources = new Set(["cpu", "memory", "ephemeral-storage"]);
const podResources = new Set(["cpu", "memory"]);

const isHugePages = (name: string): boolean => name.startsWith("hugepages-");
/** Resources of devices and the like: named with a domain that is not Kubernetes' own. */
const isExtended = (name: string): boolean => name.includes("/") && !name.includes("kubernetes.io/") && !name.startsWith("requests.");

export const validateResources = (resources: Resources | undefined, field: string): FieldError[] =>
  validateLists(resources, field, validateContainerResourceName);

/** Requests and limits of a pod as a whole. */
export function validatePodResources(resources: Resources | undefined, field: string): FieldError[] {
  return validateLists(resources, field, (name, here) => {
    if (!name.includes("/") && !standardResources.has(name) && !isHugePages(name)) {
      return [invalid(here, name, "must be a standard resource type or fully qualified")];
    }
    return podResources.has(name) || isHugePages(name) ? [] : [{ ...invalid(here, name, ""), message: `Unsupported value: "${name}"` }];
  });
}

const standardResources = new Set([
  ...containerResources,
  "requests.cpu",
  "requests.memory",
  "requests.ephemeral-storage",
  "limits.cpu",
  "limits.memory",
  "limits.ephemeral-storage",
  "pods",
  "resourcequotas",
  "services",
  "replicationcontrollers",
  "secrets",
  "configmaps",
  "persistentvolumeclaims",
  "storage",
  "requests.storage",
  "services.nodeports",
  "services.loadbalancers",
]);

type NameCheck = (name: string, field: string) => FieldError[];

function validateLists(resources: Resources | undefined, field: string, checkName: NameCheck): FieldError[] {
  const { limits = {}, requests = {} } = resources ?? {};
  const errors: FieldError[] = [];
  for (const name of Object.keys(limits).sort()) {
    const here = `${field}.limits[${name}]`;
    errors.push(...checkName(name, here), ...validateQuantity(name, limits[name] as string, here));
  }
  for (const name of Object.keys(requests).sort()) {
    const here = `${field}.requests[${name}]`;
    const request = requests[name] as string;
    const limit = limits[name];
    errors.push(...checkName(name, here), ...validateQuantity(name, request, here));
    if (limit === undefined) {
      if (isExtended(name))
        errors.push({
          type: "FieldValueRequired",
          field: `${field}.limits`,
          message: "Required value: Limit must be set for non overcommitable resources",
        });
      continue;
    }
    if ((isExtended(name) || isHugePages(name)) && compareQuantities(request, limit) !== 0) {
      errors.push(invalid(`${field}.requests`, request, `must be equal to ${name} limit of ${limit}`));
    } else if (compareQuantities(request, limit) > 0) {
      errors.push(invalid(`${field}.requests`, request, `must be less than or equal to ${name} limit of ${limit}`));
    }
  }
  return errors;
}

const validateContainerResourceName: NameCheck = (name, field) => {
  const complaints = complaintsAbout(field, name, qualifiedName);
  if (complaints.length > 0) return complaints;
  if (name.includes("/")) return [];
  return containerResources.has(name) || isHugePages(name) ? [] : [invalid(field, name, "must be a standard resource for containers")];
};

function validateQuantity(name: string, quantity: string, field: string): FieldError[] {
  const errors: FieldError[] = [];
  if ((parseQuantity(quantity)?.nano ?? 0n) < 0n) errors.push(invalid(field, quantity, "must be greater than or equal to 0"));
  if (isExtended(name) && !isWholeQuantity(quantity)) errors.push(invalid(field, quantity, "must be an integer"));
  return errors;
}
