/**
 * Kinds that are questions: may I do this, what may I do, who am I. Answered by `access/authorize.ts`, which decides every
 * other request too; nothing is stored.
 *
 * @see https://kubernetes.io/docs/reference/access-authn-authz/authorization/#checking-api-access
 */
import { authorize, isMaster, pathVerbs, rulesOf } from "../access/authorize.ts";
import type { Principal } from "../access/principal.ts";
import type { RoleRule } from "../access/view-role.ts";
import { type FieldError, invalid, invalidObject } from "../api/field-error.ts";
import type { KubeObject } from "../api/objects.ts";
import { badRequest, forbidden } from "../api/status-error.ts";
import { timeOf } from "../api/time.ts";
import type { ResourceStrategy } from "./resource-strategy.ts";

interface ResourceAttributes {
  namespace?: string;
  verb?: string;
  group?: string;
  resource?: string;
  subresource?: string;
  name?: string;
}

interface ReviewSpec {
  resourceAttributes?: ResourceAttributes;
  nonResourceAttributes?: { path?: string; verb?: string };
  user?: string;
  groups?: string[];
}

type Answer = NonNullable<ResourceStrategy["answer"]>;

const authorization = "authorization.k8s.io";
const authentication = "authentication.k8s.io";

const review = (group: string, kind: string, answer: Answer, namespaced = false): ResourceStrategy => ({
  group,
  version: "v1",
  kind,
  plural: `${kind.toLowerCase()}s`,
  singular: kind.toLowerCase(),
  namespaced,
  subresources: [],
  verbs: ["create"],
  answer,
  validate: () => [],
  columns: [],
});

export const reviews: readonly ResourceStrategy[] = [
  review(authorization, "LocalSubjectAccessReview", answerLocal, true),
  review(authorization, "SelfSubjectAccessReview", (object, { principal }) => {
    refuse(object, attributeMistakes(specOf(object)));
    return withDecision(object, principal);
  }),
  review(authorization, "SelfSubjectRulesReview", answerRules),
  review(authorization, "SubjectAccessReview", answerSubject),
  review(authentication, "SelfSubjectReview", (object, { principal: { user, groups }, now }) => ({
    ...object,
    metadata: { creationTimestamp: timeOf(now) } as KubeObject["metadata"],
    status: { userInfo: { username: user, groups: [...groups] } },
  })),
  review(authentication, "TokenReview", () => {
    throw forbidden(
      { group: authentication, resource: "tokenreviews" },
      "",
      "TokenReview is not emulated: tokens are checked outside the cluster, which keeps only their hashes",
    );
  }),
];

const specOf = (object: KubeObject): ReviewSpec => (object.spec ?? {}) as ReviewSpec;

function answerLocal(object: KubeObject, asked: Parameters<Answer>[1]): KubeObject {
  const { resourceAttributes } = specOf(object);
  if (resourceAttributes !== undefined && (resourceAttributes.namespace ?? "") !== asked.namespace)
    throw badRequest(`spec.resourceAttributes.namespace must match namespace: ${asked.namespace}`);
  return answerSubject(object);
}

function answerSubject(object: KubeObject): KubeObject {
  const { user = "", groups = [], ...attributes } = specOf(object);
  const nobody = user === "" && groups.length === 0 ? [invalid("spec.user", user, "at least one of user or group must be specified")] : [];
  refuse(object, [...attributeMistakes(attributes), ...nobody]);
  return withDecision(object, { user, groups, via: "internal" });
}

function attributeMistakes({ resourceAttributes, nonResourceAttributes }: ReviewSpec): FieldError[] {
  if (resourceAttributes && nonResourceAttributes)
    return [invalid("spec.nonResourceAttributes", nonResourceAttributes, "cannot be specified in combination with resourceAttributes")];
  if (!resourceAttributes && !nonResourceAttributes)
    return [invalid("spec.resourceAttributes", null, "exactly one of nonResourceAttributes or resourceAttributes must be specified")];
  return [];
}

function refuse({ kind }: KubeObject, errors: readonly FieldError[]): void {
  if (errors.length > 0) throw invalidObject({ group: authorization, kind }, "", errors);
}

function withDecision(object: KubeObject, principal: Principal): KubeObject {
  const { resourceAttributes, nonResourceAttributes } = specOf(object);
  const { allowed } = authorize(
    principal,
    nonResourceAttributes ? pathAsked(nonResourceAttributes) : resourceAsked(resourceAttributes ?? {}),
  );
  return { ...object, status: { allowed } };
}

const pathAsked = ({ path = "", verb = "" }: NonNullable<ReviewSpec["nonResourceAttributes"]>) => ({ path, verb });

const resourceAsked = ({ verb = "", group = "", resource = "", subresource = "", namespace = "", name = "" }: ResourceAttributes) => ({
  verb,
  group,
  resource,
  namespace,
  name,
  ...(subresource === "" ? {} : { subresource }),
});

function answerRules(object: KubeObject, { principal }: Parameters<Answer>[1]): KubeObject {
  const namespace = (object.spec as { namespace?: string } | undefined)?.namespace ?? "";
  if (namespace === "") throw badRequest("no namespace on request");
  const everything = isMaster(principal);
  const verbs = pathVerbs(principal);
  return {
    ...object,
    status: {
      resourceRules: everything ? [{ verbs: ["*"], apiGroups: ["*"], resources: ["*"] }] : rulesOf(principal).map(shownRule),
      nonResourceRules: everything || verbs.length > 0 ? [{ verbs: everything ? ["*"] : [...verbs], nonResourceURLs: ["*"] }] : [],
      incomplete: false,
    },
  };
}

const shownRule = ({ group, resources, verbs }: RoleRule) => ({ verbs: [...verbs], apiGroups: [group], resources: [...resources] });
