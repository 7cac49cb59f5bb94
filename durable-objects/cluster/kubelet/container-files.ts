/**
 * The files that a container starts with: what the kubelet writes (hosts, resolv.conf, hostname), what volumes bring
 * (ConfigMaps, Secrets, projections, the downward API) and what the image has. Files written by exec lie over these
 * (`written-files.ts`).
 */
import type { Reader } from "../api/controller.ts";
import { hostnameOf, podHostsFile } from "../api/hosts-file.ts";
import type { Container, Pod } from "../api/objects.ts";
import { podResolvConf } from "../api/resolv-conf.ts";
import type { SandboxOptions } from "../api/sandbox-options.ts";
import { keyedData, podField } from "./environment.ts";
import type { Image } from "./images/image.ts";

/** Absolute path -> content. */
export type Files = Readonly<Record<string, string>>;

export interface FilesQuery {
  pod: Pod;
  container: Container;
  image: Image;
  reader: Reader;
  options: SandboxOptions;
}

type Volume = NonNullable<Pod["spec"]["volumes"]>[number];

export function containerFiles({ pod, container, image, reader, options }: FilesQuery): Files {
  const files: Record<string, string> = {
    ...systemFiles(image),
    ...image.files,
    "/etc/hostname": `${hostnameOf(pod)}\n`,
    "/etc/hosts": podHostsFile(pod, options.clusterDomain),
    "/etc/resolv.conf": podResolvConf(pod.metadata.namespace, pod.spec, options).text,
  };
  for (const { name, mountPath, subPath } of container.volumeMounts ?? []) {
    const volume = pod.spec.volumes?.find((candidate) => candidate.name === name);
    const content = volume ? volumeFiles(volume, pod, reader) : {};
    const root = mountPath.replace(/\/$/, "");
    if (subPath !== undefined) {
      if (content[subPath] !== undefined) files[root] = content[subPath];
      continue;
    }
    for (const path of Object.keys(files)) if (path.startsWith(`${root}/`)) delete files[path];
    for (const [path, text] of Object.entries(content)) files[`${root}/${path}`] = text;
  }
  return files;
}

function systemFiles({ userland, user }: Image): Record<string, string> {
  const release =
    userland.libc === "musl"
      ? 'NAME="Alpine Linux"\nID=alpine\nVERSION_ID=3.22.2\nPRETTY_NAME="Alpine Linux v3.22"\n'
      : 'PRETTY_NAME="Debian GNU/Linux 12 (bookworm)"\nNAME="Debian GNU/Linux"\nVERSION_ID="12"\nID=debian\n';
  const own = user ? `${user.name}:x:${user.id}:${user.id}::/home/${user.name}:/bin/sh\n` : "";
  return { "/etc/os-release": release, "/etc/passwd": `root:x:0:0:root:/root:/bin/sh\n${own}` };
}

function volumeFiles(volume: Volume, pod: Pod, reader: Reader): Record<string, string> {
  if (volume.configMap) return picked(keyedData("configmaps", pod, volume.configMap.name ?? "", reader), volume.configMap.items);
  if (volume.secret) return picked(keyedData("secrets", pod, volume.secret.secretName ?? "", reader), volume.secret.items);
  if (volume.downwardAPI) return downward(volume.downwardAPI.items, pod);
  const files: Record<string, string> = {};
  for (const source of volume.projected?.sources ?? []) {
    if (source.configMap)
      Object.assign(files, picked(keyedData("configmaps", pod, source.configMap.name ?? "", reader), source.configMap.items));
    if (source.secret) Object.assign(files, picked(keyedData("secrets", pod, source.secret.name ?? "", reader), source.secret.items));
    if (source.downwardAPI) Object.assign(files, downward(source.downwardAPI.items, pod));
  }
  return files;
}

const downward = (items: readonly { path: string; fieldRef?: { fieldPath: string } }[] | undefined, pod: Pod): Record<string, string> =>
  Object.fromEntries((items ?? []).map(({ path, fieldRef }) => [path, fieldRef ? podField(pod, fieldRef.fieldPath) : ""]));

function picked(
  data: Record<string, string> | undefined,
  items: readonly { key: string; path: string }[] | undefined,
): Record<string, string> {
  if (!data || !items) return data ?? {};
  return Object.fromEntries(items.flatMap(({ key, path }) => (data[key] === undefined ? [] : [[path, data[key] as string]])));
}

/** A volume whose ConfigMap or Secret is not there keeps the pod from starting: the message of `FailedMount`. */
export function missingVolume(pod: Pod, reader: Reader): string | undefined {
  for (const { name, configMap, secret } of pod.spec.volumes ?? []) {
    const [resource, wanted, optional] = configMap
      ? ["configmaps", configMap.name, configMap.optional]
      : ["secrets", secret?.secretName, secret?.optional];
    if ((!configMap && !secret) || optional || wanted === undefined) continue;
    if (!reader.get(resource as string, pod.metadata.namespace, wanted)) {
      return `MountVolume.SetUp failed for volume "${name}" : ${configMap ? "configmap" : "secret"} "${wanted}" not found`;
    }
  }
  return undefined;
}
