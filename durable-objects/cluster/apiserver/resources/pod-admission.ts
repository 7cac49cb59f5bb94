/**
 * What the API server's admission adds to a new pod, and the pods that it turns away: service account and its token,
 * priority, the tolerations that let a pod sit out a short outage of its node, runtime class.
 *
 * @see https://kubernetes.io/docs/reference/access-authn-authz/admission-controllers/
 */
import type { KubeObject, Pod, ServiceAccount } from "../../api/objects.ts";
import { nameSuffix } from "../../api/seeded-random.ts";
import { forbidden, type StatusError } from "../../api/status-error.ts";
import type { StrategyContext } from "../resource-strategy.ts";

const pods = { group: "", resource: "pods" };
const tokenPath = "/var/run/secrets/kubernetes.io/serviceaccount";
const tokenSeconds = 3607;
const outageSeconds = 300;
const outageTaints = ["node.kubernetes.io/not-ready", "node.kubernetes.io/unreachable"];

/** The classes that every cluster has. */
const systemPriorities: Record<string, number> = {
  "system-node-critical": 2_000_001_000,
  "system-cluster-critical": 2_000_000_000,
};

/** In the order of the server's plugins. @throws StatusError 403 */
export function admitPod(pod: Pod, context: StrategyContext): void {
  admitServiceAccount(pod, context);
  admitPriority(pod, context);
  addOutageTolerations(pod);
  admitRuntimeClass(pod, context);
}

const refusal = (pod: Pod, because: string): StatusError => forbidden(pods, pod.metadata.name ?? "", because);

function admitServiceAccount(pod: Pod, context: StrategyContext): void {
  const { spec } = pod;
  const { namespace } = pod.metadata;
  const name = spec.serviceAccountName || "default";
  spec.serviceAccountName = name;
  spec.serviceAccount = name;
  const account = context.get<ServiceAccount>("serviceaccounts", namespace, name);
  if (!account) throw refusal(pod, `error looking up service account ${namespace}/${name}: serviceaccount "${name}" not found`);
  const pullSecrets = account.imagePullSecrets as { name?: string }[] | undefined;
  if (!spec.imagePullSecrets?.length && pullSecrets?.length) spec.imagePullSecrets = pullSecrets.map((secret) => ({ ...secret }));
  if (spec.automountServiceAccountToken ?? (account.automountServiceAccountToken as boolean | undefined) ?? true) mountToken(pod, context);
}

/** Every container that mounts nothing there itself gets the token, the certificate of the API server and the namespace. */
function mountToken({ spec }: Pod, { random }: StrategyContext): void {
  const lacking = [...(spec.initContainers ?? []), ...spec.containers].filter(
    (container) => container && !container.volumeMounts?.some((mount) => mount.mountPath === tokenPath),
  );
  if (lacking.length === 0) return;
  const name = `kube-api-access-${nameSuffix(random)}`;
  for (const container of lacking) {
    container.volumeMounts = [...(container.volumeMounts ?? []), { name, readOnly: true, mountPath: tokenPath }];
  }
  spec.volumes = [
    ...(spec.volumes ?? []),
    {
      name,
      projected: {
        sources: [
          { serviceAccountToken: { expirationSeconds: tokenSeconds, path: "token" } },
          { configMap: { name: "kube-root-ca.crt", items: [{ key: "ca.crt", path: "ca.crt" }] } },
          { downwardAPI: { items: [{ path: "namespace", fieldRef: { apiVersion: "v1", fieldPath: "metadata.namespace" } }] } },
        ],
        defaultMode: 420,
      },
    },
  ];
}

interface PriorityClass extends KubeObject {
  value: number;
  globalDefault?: boolean;
  preemptionPolicy?: string;
}

function admitPriority(pod: Pod, context: StrategyContext): void {
  const { spec } = pod;
  const found = priorityOf(pod, context);
  if (spec.priority !== undefined && spec.priority !== found.value) {
    throw refusal(
      pod,
      `the integer value of priority (${spec.priority}) must not be provided in pod spec; priority admission controller computed ${found.value} from the given PriorityClass name`,
    );
  }
  if (spec.preemptionPolicy !== undefined && spec.preemptionPolicy !== found.policy) {
    throw refusal(
      pod,
      `the string value of PreemptionPolicy (${spec.preemptionPolicy}) must not be provided in pod spec; priority admission controller computed ${found.policy} from the given PriorityClass name`,
    );
  }
  spec.priority = found.value;
  spec.preemptionPolicy = found.policy;
}

function priorityOf(pod: Pod, context: StrategyContext): { value: number; policy: string } {
  const policy = "PreemptLowerPriority";
  const name = pod.spec.priorityClassName;
  if (!name) {
    const defaults = context.list<PriorityClass>("priorityclasses.scheduling.k8s.io").filter((candidate) => candidate.globalDefault);
    // Of several defaults the lowest counts.
    const [chosen] = [...defaults].sort((a, b) => a.value - b.value);
    if (!chosen) return { value: 0, policy };
    pod.spec.priorityClassName = chosen.metadata.name;
    return { value: chosen.value, policy: chosen.preemptionPolicy ?? policy };
  }
  const chosen = context.get<PriorityClass>("priorityclasses.scheduling.k8s.io", undefined, name);
  const value = chosen?.value ?? systemPriorities[name];
  if (value === undefined) throw refusal(pod, `no PriorityClass with name ${name} was found`);
  return { value, policy: chosen?.preemptionPolicy ?? policy };
}

/** Added to every pod that says nothing about these taints itself. */
export function addOutageTolerations({ spec }: Pod): void {
  const present = spec.tolerations ?? [];
  const tolerates = (taint: string): boolean =>
    present.some(({ key, effect }) => (!key || key === taint) && (!effect || effect === "NoExecute"));
  const missing = outageTaints
    .filter((taint) => !tolerates(taint))
    .map((key) => ({ key, operator: "Exists", effect: "NoExecute", tolerationSeconds: outageSeconds }));
  if (missing.length > 0) spec.tolerations = [...present, ...missing];
}

interface RuntimeClass extends KubeObject {
  overhead?: { podFixed?: Record<string, string> };
}

function admitRuntimeClass(pod: Pod, context: StrategyContext): void {
  const name = pod.spec.runtimeClassName;
  const found = name === undefined ? undefined : context.get<RuntimeClass>("runtimeclasses.node.k8s.io", undefined, name);
  if (name !== undefined && !found) throw refusal(pod, `pod rejected: RuntimeClass "${name}" not found`);
  const overhead = found?.overhead?.podFixed;
  if (overhead) pod.spec.overhead = overhead;
}
