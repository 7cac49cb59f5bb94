/**
 * Answers that stay right until an object or the Corefile changes: made once, then looked up.
 *
 * Only for answers that depend on nothing but the question's name and type; the owner forgets them all on every change.
 */
import type { DnsMessage } from "../api/dns-message.ts";

/** An answer without what belongs to one question. Flat, since what is far apart in memory takes its time. */
export type LastingAnswer = Readonly<
  Pick<DnsMessage, "rcode" | "aa" | "ra" | "answer" | "authority" | "additional" | "source" | "outside">
> & {
  /** Of the whole message, uncompressed and without OPT. */
  readonly octets: number;
  /** Whether there is anything to shuffle. */
  readonly balanced: boolean;
};

const mostAnswers = 16_384;

export class AnswerMemo {
  readonly #byType = new Map<string, Map<string, LastingAnswer>>();
  #size = 0;

  get(name: string, type: string): LastingAnswer | undefined {
    return this.#byType.get(type)?.get(name);
  }

  /** When it is full it begins anew: whoever asks for so many names asks for each of them once. */
  put(name: string, type: string, answer: LastingAnswer): void {
    if (this.#size >= mostAnswers) this.forget();
    const byName = this.#byType.get(type) ?? new Map<string, LastingAnswer>();
    this.#byType.set(type, byName.set(inOnePiece(name), answer));
    this.#size += 1;
  }

  forget(): void {
    if (this.#size === 0) return;
    this.#byType.clear();
    this.#size = 0;
  }
}

/** A name that was put together of pieces stays in pieces inside; as the name of a property it becomes one. */
const inOnePiece = (name: string): string => Object.keys({ [name]: true })[0] ?? name;
