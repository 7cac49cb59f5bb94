/**
 * A container whose image nobody has: tries to pull it that come further and further apart, and what the kubelet says of
 * each. The times follow from when the container was to start, so that nothing needs to be remembered.
 *
 * @see https://kubernetes.io/docs/concepts/containers/images/#imagepullbackoff
 */
import type { ContainerStatus } from "../api/objects.ts";
import { msOf } from "../api/time.ts";
import type { ContainerEvent, ContainerFacts, ContainerStep } from "./container-state.ts";
import { fullImageName } from "./image-reference.ts";

const backoffMs = { first: 10_000, max: 300_000 } as const;
/** So long after a try that failed the status says so, until the kubelet looks again and sees that it has to wait. */
const errorStandsMs = 3_000;

/** The try before `now` or at it, and the one after. */
function pullsAround(base: number, now: number): { last: number; next: number } {
  let last = base;
  let delay: number = backoffMs.first;
  while (last + delay <= now) {
    last += delay;
    delay = Math.min(backoffMs.max, delay * 2);
    if (delay === backoffMs.max) last += Math.max(0, Math.floor((now - last) / delay)) * delay;
  }
  return { last, next: last + delay };
}

const baseOf = (status: ContainerStatus, { pod, now }: ContainerFacts): number =>
  msOf(status.lastState?.terminated?.finishedAt) ?? msOf(pod.status.startTime) ?? now;

const isWaitingForImage = ({ state }: ContainerStatus): boolean =>
  state?.waiting?.reason === "ErrImagePull" || state?.waiting?.reason === "ImagePullBackOff";

/** When a container that waits for its image tries again; `undefined`: it does not wait, or the time has come. */
export function nextPullAt(status: ContainerStatus, facts: ContainerFacts): number | undefined {
  if (!isWaitingForImage(status)) return undefined;
  const { last, next } = pullsAround(baseOf(status, facts), facts.now);
  return facts.now - last < 1000 ? undefined : next;
}

export function withoutImage(status: ContainerStatus, facts: ContainerFacts): ContainerStep & { isSettled: true } {
  const { container, fieldPath, now } = facts;
  const image = JSON.stringify(container.image);
  const name = fullImageName(container.image ?? "");
  const { last, next } = pullsAround(baseOf(status, facts), now);
  const isFresh = now < last + errorStandsMs;
  const reason = isFresh ? "ErrImagePull" : "ImagePullBackOff";
  const because = `rpc error: code = NotFound desc = failed to pull and unpack image ${JSON.stringify(name)}: failed to resolve reference ${JSON.stringify(name)}: ${name}: not found`;
  const message = isFresh ? because : `Back-off pulling image ${image}: ErrImagePull: ${because}`;
  const said = (type: ContainerEvent["type"], what: string, text: string): ContainerEvent => ({
    type,
    reason: what,
    message: text,
    fieldPath,
  });
  const events = isFresh
    ? [
        said("Normal", "Pulling", `Pulling image ${image}`),
        said("Warning", "Failed", `Failed to pull image ${image}: ${because}`),
        said("Warning", "Failed", "Error: ErrImagePull"),
      ]
    : [said("Normal", "BackOff", `Back-off pulling image ${image}`), said("Warning", "Failed", "Error: ImagePullBackOff")];
  const isTold = status.state?.waiting?.reason === reason;
  return {
    status: isTold ? status : { ...status, ready: false, state: { waiting: { message, reason } } },
    events: isTold ? [] : events,
    wakeAt: isFresh ? last + errorStandsMs : next,
    isSettled: true,
  };
}
