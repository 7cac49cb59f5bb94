/**
 * What client-go's recorder makes of events before it writes them: much alike said about one object becomes one Event,
 * and who says too much about one object is not heard for a while.
 *
 * The recorder of the scheduler and the API server is another one, which does neither.
 *
 * @see https://github.com/kubernetes/design-proposals-archive/blob/main/api-machinery/event_compression.md
 */

/** So many different messages of one reason about one object, within ten minutes of each other, and they are combined. */
const mostAlike = 10;
const alikeWithinMs = 600_000;
/** So many events about one object at once from one program, then one each five minutes. */
const burst = 25;
const refillMs = 300_000;
const combinedPrefix = "(combined from similar events): ";

export interface SaidEvent {
  /** Program and object. */
  source: string;
  /** Type and reason as well. */
  group: string;
  message: string;
}

/** An Event that is stored already. */
export interface StoredEvent extends SaidEvent {
  firstAt: number;
  lastAt: number;
  count: number;
}

export interface Correlated {
  message: string;
  /** Under which an Event that is there is repeated. */
  key: string;
}

interface Group {
  messages: Set<string>;
  lastAt: number;
}

interface Bucket {
  tokens: number;
  at: number;
}

export class EventCorrelator {
  readonly #groups = new Map<string, Group>();
  readonly #buckets = new Map<string, Bucket>();

  /** Takes up what was said before a sleep, as far as what is stored tells it; oldest first. */
  restore(stored: readonly StoredEvent[]): void {
    for (const event of stored) {
      if (!event.message.startsWith(combinedPrefix)) this.#alike(event, event.lastAt);
      else this.#group(event.group, event.lastAt).lastAt = event.lastAt;
      const bucket = this.#bucket(event.source, event.firstAt);
      bucket.tokens = Math.max(0, this.#filled(bucket, event.lastAt) - event.count);
      bucket.at = event.lastAt;
    }
  }

  /** @returns `undefined`: nothing is written */
  correlate(event: SaidEvent, now: number): Correlated | undefined {
    const isAlike = this.#alike(event, now);
    if (!this.#take(event.source, now)) return undefined;
    return isAlike
      ? { message: `${combinedPrefix}${event.message}`, key: event.group }
      : { message: event.message, key: keyOfStored(event) };
  }

  /** Whether there are too many like it. The one that is too many is not kept, so that the next is judged alike. */
  #alike({ group, message }: SaidEvent, now: number): boolean {
    const { messages } = this.#group(group, now);
    messages.add(message);
    if (messages.size < mostAlike) return false;
    messages.delete(message);
    return true;
  }

  #group(key: string, now: number): Group {
    const known = this.#groups.get(key);
    const group = known && now - known.lastAt <= alikeWithinMs ? known : { messages: new Set<string>(), lastAt: now };
    group.lastAt = now;
    this.#groups.set(key, group);
    return group;
  }

  #bucket(source: string, now: number): Bucket {
    const bucket = this.#buckets.get(source) ?? { tokens: burst, at: now };
    this.#buckets.set(source, bucket);
    return bucket;
  }

  #filled = ({ tokens, at }: Bucket, now: number): number => Math.min(burst, tokens + Math.max(0, now - at) / refillMs);

  #take(source: string, now: number): boolean {
    const bucket = this.#bucket(source, now);
    bucket.tokens = this.#filled(bucket, now);
    bucket.at = now;
    if (bucket.tokens < 1) return false;
    bucket.tokens -= 1;
    return true;
  }

  /** Forgets objects about which nothing was said for so long that it makes no difference any more. */
  forgetOld(now: number): void {
    for (const [key, { lastAt }] of this.#groups) if (now - lastAt > alikeWithinMs) this.#groups.delete(key);
    for (const [key, bucket] of this.#buckets) if (this.#filled(bucket, now) >= burst) this.#buckets.delete(key);
  }
}

/** Combined events of a group are one Event, others one for each message. */
export const keyOfStored = ({ group, message }: SaidEvent): string => (message.startsWith(combinedPrefix) ? group : `${group}\0${message}`);
