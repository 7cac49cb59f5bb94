/**
 * A pod's spec as kube-apiserver shows it to somebody who changed what may not change: its own structures as indented
 * JSON, every field of them, also the empty ones. Only this message needs them.
 */
type Fields = Record<string, any>;

/**
 * The structures, field by field in order. A field is `GoName` or `GoName=jsonName`, then its type: `s` text, `i`
 * number, `b` boolean, `p` anything that may be absent, `{}` a map, `[]` a list of plain values, `.Name` a structure,
 * `*Name` one that may be absent, `[]Name` a list of them.
 */
const structures: Record<string, string> = {
  PodSpec:
    "Volumes:[]Volume InitContainers:[]Container Containers:[]Container EphemeralContainers:[]EphemeralContainer RestartPolicy:s TerminationGracePeriodSeconds:p ActiveDeadlineSeconds:p DNSPolicy=dnsPolicy:s NodeSelector:{} ServiceAccountName:s AutomountServiceAccountToken:p NodeName:s SecurityContext:*PodSecurityContext ImagePullSecrets:[]LocalObjectReference Hostname:s Subdomain:s SetHostnameAsFQDN:p Affinity:*Affinity SchedulerName:s Tolerations:[]Toleration HostAliases:[]HostAlias PriorityClassName:s Priority:p PreemptionPolicy:p DNSConfig=dnsConfig:*PodDNSConfig ReadinessGates:[]PodReadinessGate RuntimeClassName:p Overhead:{} EnableServiceLinks:p TopologySpreadConstraints:[]TopologySpreadConstraint OS=os:*PodOS SchedulingGates:[]PodSchedulingGate ResourceClaims:[]PodResourceClaim Resources:*ResourceRequirements HostnameOverride:p SchedulingGroup:p",
  PodSecurityContext:
    "HostNetwork:b HostPID=hostPID:b HostIPC=hostIPC:b ShareProcessNamespace:p HostUsers:p SELinuxOptions=seLinuxOptions:*SELinuxOptions WindowsOptions:*WindowsSecurityContextOptions RunAsUser:p RunAsGroup:p RunAsNonRoot:p SupplementalGroups:[] SupplementalGroupsPolicy:p FSGroup=fsGroup:p FSGroupChangePolicy=fsGroupChangePolicy:p Sysctls:[]Sysctl SeccompProfile:*SeccompProfile AppArmorProfile:*SeccompProfile SELinuxChangePolicy=seLinuxChangePolicy:p",
  SELinuxOptions: "User:s Role:s Type:s Level:s",
  WindowsSecurityContextOptions:
    "GMSACredentialSpecName=gmsaCredentialSpecName:p GMSACredentialSpec=gmsaCredentialSpec:p RunAsUserName:p HostProcess:p",
  Sysctl: "Name:s Value:s",
  SeccompProfile: "Type:s LocalhostProfile:p",
  LocalObjectReference: "Name:s",
  Container:
    "Name:s Image:s Command:[] Args:[] WorkingDir:s Ports:[]ContainerPort EnvFrom:[]EnvFromSource Env:[]EnvVar Resources:.ResourceRequirements ResizePolicy:[]ContainerResizePolicy RestartPolicy:p RestartPolicyRules:[]ContainerRestartRule VolumeMounts:[]VolumeMount VolumeDevices:[]VolumeDevice LivenessProbe:*Probe ReadinessProbe:*Probe StartupProbe:*Probe Lifecycle:*Lifecycle TerminationMessagePath:s TerminationMessagePolicy:s ImagePullPolicy:s SecurityContext:*SecurityContext Stdin:b StdinOnce:b TTY=tty:b",
  ContainerPort: "Name:s HostPort:i ContainerPort:i Protocol:s HostIP=hostIP:s",
  EnvFromSource: "Prefix:s ConfigMapRef:*OptionalReference SecretRef:*OptionalReference",
  OptionalReference: "Name:s Optional:p",
  EnvVar: "Name:s Value:s ValueFrom:*EnvVarSource",
  EnvVarSource:
    "FieldRef:*ObjectFieldSelector ResourceFieldRef:*ResourceFieldSelector ConfigMapKeyRef:*KeySelector SecretKeyRef:*KeySelector FileKeyRef:*FileKeySelector",
  ObjectFieldSelector: "APIVersion=apiVersion:s FieldPath:s",
  ResourceFieldSelector: "ContainerName:s Resource:s Divisor:s",
  KeySelector: "Name:s Key:s Optional:p",
  FileKeySelector: "VolumeName:s Path:s Key:s Optional:p",
  ResourceRequirements: "Limits:{} Requests:{} Claims:[]ResourceClaim",
  ResourceClaim: "Name:s Request:s",
  ContainerResizePolicy: "ResourceName:s RestartPolicy:s",
  ContainerRestartRule: "Action:s ExitCodes:p",
  VolumeMount: "Name:s ReadOnly:b RecursiveReadOnly:p MountPath:s SubPath:s MountPropagation:p SubPathExpr:s",
  VolumeDevice: "Name:s DevicePath:s",
  Probe:
    "Exec:*ExecAction HTTPGet=httpGet:*HTTPGetAction TCPSocket=tcpSocket:*TCPSocketAction GRPC=grpc:*GRPCAction InitialDelaySeconds:i TimeoutSeconds:i PeriodSeconds:i SuccessThreshold:i FailureThreshold:i TerminationGracePeriodSeconds:p",
  ExecAction: "Command:[]",
  HTTPGetAction: "Path:s Port:p Host:s Scheme:s HTTPHeaders=httpHeaders:[]HTTPHeader",
  HTTPHeader: "Name:s Value:s",
  TCPSocketAction: "Port:p Host:s",
  GRPCAction: "Port:i Service:p",
  Lifecycle: "PostStart:*LifecycleHandler PreStop:*LifecycleHandler StopSignal:p",
  LifecycleHandler: "Exec:*ExecAction HTTPGet=httpGet:*HTTPGetAction TCPSocket=tcpSocket:*TCPSocketAction Sleep:*SleepAction",
  SleepAction: "Seconds:i",
  SecurityContext:
    "Capabilities:*Capabilities Privileged:p SELinuxOptions=seLinuxOptions:*SELinuxOptions WindowsOptions:*WindowsSecurityContextOptions RunAsUser:p RunAsGroup:p RunAsNonRoot:p ReadOnlyRootFilesystem:p AllowPrivilegeEscalation:p ProcMount:p SeccompProfile:*SeccompProfile AppArmorProfile:*SeccompProfile",
  Capabilities: "Add:[] Drop:[]",
  Volume:
    "Name:s HostPath:*HostPathVolumeSource EmptyDir:*EmptyDirVolumeSource GCEPersistentDisk=gcePersistentDisk:p AWSElasticBlockStore=awsElasticBlockStore:p GitRepo:p Secret:*SecretVolumeSource NFS=nfs:*NFSVolumeSource ISCSI=iscsi:p Glusterfs:p PersistentVolumeClaim:*PersistentVolumeClaimVolumeSource RBD=rbd:p Quobyte:p FlexVolume:p Cinder:p CephFS=cephfs:p Flocker:p DownwardAPI=downwardAPI:*DownwardAPIVolumeSource FC=fc:p AzureFile:p ConfigMap:*ConfigMapVolumeSource VsphereVolume:p AzureDisk:p PhotonPersistentDisk:p Projected:*ProjectedVolumeSource PortworxVolume:p ScaleIO=scaleIO:p StorageOS=storageos:p CSI=csi:*CSIVolumeSource Ephemeral:p Image:*ImageVolumeSource",
  HostPathVolumeSource: "Path:s Type:p",
  EmptyDirVolumeSource: "Medium:s SizeLimit:p",
  SecretVolumeSource: "SecretName:s Items:[]KeyToPath DefaultMode:p Optional:p",
  NFSVolumeSource: "Server:s Path:s ReadOnly:b",
  PersistentVolumeClaimVolumeSource: "ClaimName:s ReadOnly:b",
  DownwardAPIVolumeSource: "Items:[]DownwardAPIVolumeFile DefaultMode:p",
  DownwardAPIVolumeFile: "Path:s FieldRef:*ObjectFieldSelector ResourceFieldRef:*ResourceFieldSelector Mode:p",
  ConfigMapVolumeSource: "Name:s Items:[]KeyToPath DefaultMode:p Optional:p",
  KeyToPath: "Key:s Path:s Mode:p",
  ProjectedVolumeSource: "Sources:[]VolumeProjection DefaultMode:p",
  VolumeProjection:
    "Secret:*ProjectedReference DownwardAPI=downwardAPI:*DownwardAPIProjection ConfigMap:*ProjectedReference ServiceAccountToken:*ServiceAccountTokenProjection ClusterTrustBundle:p PodCertificate:p",
  ProjectedReference: "Name:s Items:[]KeyToPath Optional:p",
  DownwardAPIProjection: "Items:[]DownwardAPIVolumeFile",
  ServiceAccountTokenProjection: "Audience:s ExpirationSeconds:i Path:s",
  CSIVolumeSource: "Driver:s ReadOnly:p FSType=fsType:p VolumeAttributes:{} NodePublishSecretRef:*LocalObjectReference",
  ImageVolumeSource: "Reference:s PullPolicy:s",
  Affinity: "NodeAffinity:*NodeAffinity PodAffinity:*PodAffinity PodAntiAffinity:*PodAffinity",
  NodeAffinity:
    "RequiredDuringSchedulingIgnoredDuringExecution:*NodeSelector PreferredDuringSchedulingIgnoredDuringExecution:[]PreferredSchedulingTerm",
  NodeSelector: "NodeSelectorTerms:[]NodeSelectorTerm",
  NodeSelectorTerm: "MatchExpressions:[]NodeSelectorRequirement MatchFields:[]NodeSelectorRequirement",
  NodeSelectorRequirement: "Key:s Operator:s Values:[]",
  PreferredSchedulingTerm: "Weight:i Preference:.NodeSelectorTerm",
  PodAffinity:
    "RequiredDuringSchedulingIgnoredDuringExecution:[]PodAffinityTerm PreferredDuringSchedulingIgnoredDuringExecution:[]WeightedPodAffinityTerm",
  // The selectors come from the API's own library and are shown under their JSON names, without what is empty.
  PodAffinityTerm: "LabelSelector:p Namespaces:[] TopologyKey:s NamespaceSelector:p MatchLabelKeys:[] MismatchLabelKeys:[]",
  WeightedPodAffinityTerm: "Weight:i PodAffinityTerm:.PodAffinityTerm",
  Toleration: "Key:s Operator:s Value:s Effect:s TolerationSeconds:p",
  HostAlias: "IP=ip:s Hostnames:[]",
  PodDNSConfig: "Nameservers:[] Searches:[] Options:[]PodDNSConfigOption",
  PodDNSConfigOption: "Name:s Value:p",
  PodReadinessGate: "ConditionType:s",
  TopologySpreadConstraint:
    "MaxSkew:i TopologyKey:s WhenUnsatisfiable:s LabelSelector:p MinDomains:p NodeAffinityPolicy:p NodeTaintsPolicy:p MatchLabelKeys:[]",
  PodOS: "Name:s",
  PodSchedulingGate: "Name:s",
  PodResourceClaim: "Name:s ResourceClaimName:p ResourceClaimTemplateName:p",
};
/** An ephemeral container is a container that may look into another one. */
structures.EphemeralContainer = `${structures.Container} TargetContainerName:s`;

/** Where the API keeps in the spec what the server keeps in the security context. */
const securityFields = ["hostNetwork", "hostPID", "hostIPC", "shareProcessNamespace", "hostUsers"];

/** The lines of the dump. */
export function dumpPodSpec(spec: object): string[] {
  const { securityContext, ...rest } = spec as Fields;
  const shared = Object.fromEntries(securityFields.map((field) => [field, rest[field]]));
  const dumped = dumpStructure("PodSpec", { ...rest, securityContext: { ...shared, ...securityContext } });
  return JSON.stringify(dumped, undefined, 1).split("\n");
}

function dumpStructure(name: string, value: Fields): Fields {
  const result: Fields = {};
  for (const definition of (structures[name] as string).split(" ")) {
    const colon = definition.indexOf(":");
    const [goName = "", jsonName = lowerFirst(goName)] = definition.slice(0, colon).split("=");
    result[goName] = dumpValue(definition.slice(colon + 1), value[jsonName]);
  }
  return result;
}

const lowerFirst = (text: string): string => text.charAt(0).toLowerCase() + text.slice(1);

const zero: Record<string, unknown> = { s: "", i: 0, b: false, p: null, "{}": null, "[]": null };

function dumpValue(type: string, value: any): unknown {
  if (type in zero) {
    if (value === undefined || value === null) return zero[type];
    if (type === "{}") return Object.fromEntries(Object.entries(value as object).sort(([a], [b]) => (a < b ? -1 : 1)));
    return value;
  }
  if (type.startsWith("[]")) return value?.length ? (value as Fields[]).map((item) => dumpStructure(type.slice(2), item ?? {})) : null;
  const isOptional = type.startsWith("*");
  return isOptional && (value === undefined || value === null) ? null : dumpStructure(type.slice(1), value ?? {});
}
