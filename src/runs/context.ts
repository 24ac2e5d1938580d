// Chooses how much of a conversation is sent to the model: as much of its end as fits the slot's context
// beside room for the answer, counted by llama-server. The prompt's beginning stays byte-identical between
// turns, so that llama-server's prompt cache is reused. Decides only: tokens are counted through `count`.

import { BoundedMap } from "../domain/bounded-map.ts";
import { Failure } from "../domain/failure.ts";
import type { Overflow } from "../domain/persona.ts";
import type { Thread } from "../domain/thread.ts";
import type { ChatMessage } from "../upstream/upstream.ts";
import { type Said, together } from "./attached.ts";

/**
 * Once messages must be dropped, at most this share of the room is filled. Later turns then only add at the
 * end and reuse the prompt cache. Dropping only what must go would change the beginning, and with it the
 * cache, every turn.
 */
const fillShare = 0.75;

/** Share of the context that is reserved for an answer at most. */
const answerShare = 0.25;

/** Tokens that the prompt may have: the context less the room for an answer. */
export function roomFor(
  contextTokens: number,
  { maxTokens, answerTokens }: { maxTokens: number | undefined; answerTokens: number },
): number {
  const reserved =
    maxTokens === undefined
      ? Math.min(answerTokens, contextTokens * answerShare)
      : Math.min(maxTokens, contextTokens / 2);
  return contextTokens - Math.floor(reserved);
}

/** Indexes at which a history may begin: every question that follows an answer, and the first message. */
export function beginnings(path: readonly Said[]): number[] {
  let before: string | null = null;
  return path.flatMap(({ role, text }, i) => {
    if (text === "") return [];
    const isBeginning = role === "user" && before !== "user";
    before = role;
    return isBeginning || i === 0 ? [i] : [];
  });
}

/**
 * Tokens that a model's template usually adds at most: a beginning of its own, and marks around each
 * message.
 */
const templateTokens = 2_048;
const messageMarksTokens = 16;

/**
 * True if messages fit without counting their tokens, because a token is at least one byte. (If a template
 * adds more than assumed, llama-server refuses the prompt with a message.) Pictures are always counted.
 */
export function surelyFit(messages: readonly ChatMessage[], roomTokens: number): boolean {
  let left = roomTokens - templateTokens;
  return messages.every(({ content }) => {
    if (typeof content !== "string") return false;
    left -= Buffer.byteLength(content) + messageMarksTokens;
    return left >= 0;
  });
}

interface FitOptions {
  /** From `beginnings`. */
  readonly places: readonly number[];
  /** Index at which the last turn's history began; used again if that fits. */
  readonly from: number;
  readonly roomTokens: number;
  readonly contextTokens: number;
  readonly overflow: Overflow;
  /** Tokens of the history that begins at an index; null if they can't be counted. */
  count(place: number): Promise<number | null>;
}

/**
 * The index at which the sent history begins. Counts once if everything fits, else about log2 of the number
 * of exchanges.
 * @throws Failure `context_full` if nothing may be dropped, `context_overflow` if the last exchange alone
 *   is too long
 */
export async function fit({
  places,
  from,
  roomTokens,
  contextTokens,
  overflow,
  count,
}: FitOptions): Promise<number> {
  // if nothing may be dropped, messages that were dropped before come back
  const start = places.includes(from) && overflow === "drop" ? from : (places[0] ?? 0);
  const promptTokens = await count(start);
  if (promptTokens === null) return start; // llama-server refuses a prompt that is too long
  const isFitting = promptTokens <= roomTokens;
  // dropped messages come back once so much was deleted that they would not be dropped again
  if (isFitting && (start === places[0] || promptTokens > (roomTokens * fillShare) / 2)) return start;
  const facts = { promptTokens, contextTokens, roomTokens };
  const candidates = isFitting ? places : places.filter((place) => place > start);
  const last = candidates.at(-1);
  if (last === undefined) throw new Failure("context_overflow", facts);
  if (overflow === "refuse" && !isFitting) throw new Failure("context_full", facts);
  let [low, high] = [0, candidates.length - 1]; // the first that fits is in this range, or none fits
  while (low < high) {
    const middle = (low + high) >> 1;
    if (((await count(candidates[middle] as number)) ?? 0) <= roomTokens * fillShare) high = middle;
    else low = middle + 1;
  }
  const place = candidates[low] as number;
  // the last exchange is sent even if it leaves little room for the next one
  if (place === last) {
    const lastTokens = (await count(last)) ?? 0;
    if (lastTokens > roomTokens)
      throw new Failure("context_overflow", { ...facts, promptTokens: lastTokens });
  }
  return place;
}

/**
 * The messages in llama-server's format. Answers without text are left out and successive questions are
 * joined, because most templates require alternating roles.
 */
export function messagesOf(prompt: string, path: readonly Said[]): ChatMessage[] {
  const messages: ChatMessage[] = prompt === "" ? [] : [{ role: "system", content: prompt }];
  for (const { role, text } of path) {
    const last = messages.at(-1);
    if (text === "") continue;
    if (last?.role === role) messages[messages.length - 1] = { role, content: together(last.content, text) };
    else messages.push({ role, content: text });
  }
  return messages;
}

/** Index at which the history of the thread's newest Run began; 0 if the context size has changed since. */
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
