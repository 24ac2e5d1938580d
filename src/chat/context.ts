// What of a conversation is sent to the model: as much of its end as fits the Slot's context beside room for
// the answer, counted by llama-server itself. What was sent before is sent again byte for byte, so that
// llama-server's prompt cache is hit. Decides; asks through `count`.

import { BoundedMap } from "../domain/bounded-map.ts";
import type { Message } from "../domain/conversation.ts";
import { Failure } from "../domain/failure.ts";
import type { Overflow } from "../domain/persona.ts";
import type { Thread } from "../domain/thread.ts";
import type { ChatMessage } from "../upstream/upstream.ts";

/**
 * Once something must stay behind, at most this share of the room is filled: the turns that follow only add at the end, and
 * the prompt cache holds. Dropping just what must go would change the beginning, and have everything read again, at every turn.
 */
const filledShare = 0.75;

/** Of a context, an answer is given at most this much room before it is written. */
const answerShare = 0.25;

/** Tokens that the prompt may have: the context less room for an answer. */
export function roomFor(
  contextTokens: number,
  { maxTokens, answerTokens }: { maxTokens: number | undefined; answerTokens: number },
): number {
  const wished =
    maxTokens === undefined
      ? Math.min(answerTokens, contextTokens * answerShare)
      : Math.min(maxTokens, contextTokens / 2);
  return contextTokens - Math.floor(wished);
}

/** Places at which a history may begin: every question that follows an answer, and the first message. */
export function beginnings(path: readonly Pick<Message, "role" | "text">[]): number[] {
  let before: string | null = null;
  return path.flatMap(({ role, text }, i) => {
    if (text === "") return [];
    const isBeginning = role === "user" && before !== "user";
    before = role;
    return isBeginning || i === 0 ? [i] : [];
  });
}

/** Tokens that a model's template adds at most, as a rule: a beginning of its own, and marks around each message. */
const templateTokens = 2_048;
const messageMarksTokens = 16;

/** Messages that need not be counted to be known to fit: a token stands for one byte at least. (What a template adds beyond all rule, llama-server refuses in words.) */
export function surelyFit(messages: readonly ChatMessage[], roomTokens: number): boolean {
  let left = roomTokens - templateTokens;
  return messages.every(({ content }) => {
    left -= Buffer.byteLength(content) + messageMarksTokens;
    return left >= 0;
  });
}

interface Fitting {
  /** As `beginnings` gives them. */
  readonly places: readonly number[];
  /** Where the last turn's history began: it begins there again if that fits. */
  readonly from: number;
  readonly roomTokens: number;
  readonly contextTokens: number;
  readonly overflow: Overflow;
  /** Tokens of the history that begins at a place; null when they can't be counted. */
  count(place: number): Promise<number | null>;
}

/**
 * The place where the history begins that is sent. One count where everything fits, else about log2 of the number of exchanges.
 * @throws Failure `context_full` where nothing may be dropped, `context_overflow` when the last exchange alone is too long
 */
export async function fit({
  places,
  from,
  roomTokens,
  contextTokens,
  overflow,
  count,
}: Fitting): Promise<number> {
  // where nothing may be dropped, nothing that was dropped before stays away
  const start = places.includes(from) && overflow === "drop" ? from : (places[0] ?? 0);
  const promptTokens = await count(start);
  if (promptTokens === null) return start; // llama-server says itself when it is too long
  const isFitting = promptTokens <= roomTokens;
  // what had to stay behind comes back when so much was deleted that it would not be dropped again
  if (isFitting && (start === places[0] || promptTokens > (roomTokens * filledShare) / 2)) return start;
  const facts = { promptTokens, contextTokens, roomTokens };
  const candidates = isFitting ? places : places.filter((place) => place > start);
  const last = candidates.at(-1);
  if (last === undefined) throw new Failure("context_overflow", facts);
  if (overflow === "refuse" && !isFitting) throw new Failure("context_full", facts);
  let [low, high] = [0, candidates.length - 1]; // the first that fits is in this range, or none does
  while (low < high) {
    const middle = (low + high) >> 1;
    if (((await count(candidates[middle] as number)) ?? 0) <= roomTokens * filledShare) high = middle;
    else low = middle + 1;
  }
  const place = candidates[low] as number;
  // the last exchange is sent even where it leaves little room for the next
  if (place === last) {
    const lastTokens = (await count(last)) ?? 0;
    if (lastTokens > roomTokens)
      throw new Failure("context_overflow", { ...facts, promptTokens: lastTokens });
  }
  return place;
}

/**
 * The messages as llama-server wants them. Answers without text are left out, and questions that follow each other are
 * joined: most templates demand that roles alternate.
 */
export function messagesOf(prompt: string, path: readonly Pick<Message, "role" | "text">[]): ChatMessage[] {
  const messages: ChatMessage[] = prompt === "" ? [] : [{ role: "system", content: prompt }];
  for (const { role, text } of path) {
    const last = messages.at(-1);
    if (text === "") continue;
    if (last?.role === role) messages[messages.length - 1] = { role, content: `${last.content}\n\n${text}` };
    else messages.push({ role, content: text });
  }
  return messages;
}

/** Where the history of the last turn began, if the context is as it was: what the newest of these Runs says. */
export function lastBeginning(thread: Thread, contextTokens: number): number {
  const stats = thread.findLast(({ run }) => run?.stats.contextTokens !== undefined)?.run?.stats;
  return stats?.contextTokens === contextTokens ? (stats.droppedMessages ?? 0) : 0;
}

/** Counts that are kept: a conversation that is asked again, or gone on with, costs none. */
const countsMax = 1_000;

/** Remembers counts by what was counted. */
export class Counts {
  readonly #known = new BoundedMap<string, number>(countsMax);

  async of(key: string, count: () => Promise<number | null>): Promise<number | null> {
    const digest = Bun.SHA256.hash(key, "base64");
    const known = this.#known.get(digest);
    if (known !== undefined) return known;
    const tokens = await count();
    if (tokens === null) return null;
    this.#known.set(digest, tokens);
    return tokens;
  }
}
