/** The images that pods can run, as a list to read. */
import { familiarName, type ImageReference } from "../image-reference.ts";
import { agnhost } from "./agnhost.ts";
import { anyImage } from "./any-image.ts";
import { alpineImage, buildImages, busyboxImage, curl, debianImages, netshoot } from "./base-images.ts";
import { coredns, pause } from "./cluster-images.ts";
import { httpEcho } from "./http-echo.ts";
import { httpbin } from "./httpbin.ts";
import { httpd } from "./httpd.ts";
import type { Image } from "./image.ts";
import { nginx, nginxUnprivileged } from "./nginx.ts";
import { numbersApi } from "./numbers-api.ts";
import { numbersWeb } from "./numbers-web.ts";
import { sleep } from "./sleep.ts";
import { alpine } from "./userlands.ts";
import { whoami } from "./whoami.ts";

export const images: readonly Image[] = [
  sleep,
  numbersApi,
  numbersWeb,
  nginx,
  nginxUnprivileged,
  httpd,
  busyboxImage,
  alpineImage,
  debianImages,
  buildImages,
  curl,
  netshoot,
  httpEcho,
  agnhost,
  whoami,
  httpbin,
  coredns,
  pause,
];

const byName = new Map(images.flatMap((image) => image.names.map((name) => [name, image])));

/** The image behind a reference; what the catalog does not have is `anyImage`. `nginx:alpine` is nginx on Alpine. */
export function imageOf(reference: ImageReference | undefined): Image {
  const image = reference && byName.get(familiarName(reference));
  if (!image || !reference) return anyImage;
  const isAlpine = image.userland.libc === "glibc" && image.userland.tools.size > 0 && /(^|-)alpine/.test(reference.tag ?? "");
  return isAlpine ? { ...image, userland: { ...alpine, tools: new Set([...alpine.tools, "curl"]) } } : image;
}
