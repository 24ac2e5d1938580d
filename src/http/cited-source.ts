// The passages that the readers of a link may open: those that the thread cites as the link shows it, and no
// others that were found for its answers.

import { answerHtml } from "../../views/answer.tsx";
import { numbersIn } from "../../views/markdown/citations.ts";
import { wordsOf } from "../../views/words.ts";
import type { Threads } from "../chat/threads.ts";
import { type Message, withParts } from "../domain/conversation.ts";
import type { ConversationId } from "../domain/id.ts";
import { type SourcePart, sourcesIn } from "../domain/part.ts";
import type { Store } from "../store/store.ts";

interface CitedDependencies {
  readonly store: Pick<Store, "conversation" | "history" | "message">;
  readonly threads: Pick<Threads, "live">;
}

/** The passage of this number; null for one that no answer on the shown branch cites. */
export async function citedSource(
  conversation: ConversationId,
  n: number,
  { store, threads }: CitedDependencies,
): Promise<SourcePart | null> {
  const head = (await store.conversation(conversation))?.head ?? null;
  const last = head === null ? null : await store.message(conversation, head);
  if (last === null) return null;
  const live = await threads.live(conversation);
  const written = (message: Message): Message => {
    const parts = live.find(({ messageId }) => messageId === message.id)?.parts;
    return parts ? withParts(message, parts) : message;
  };
  const path = [...(await store.history(last.id)), last].map(written);
  for (const message of path.toReversed()) {
    const source = sourcesIn(message.parts).find((each) => each.n === n);
    if (source && numbersIn(answerHtml(message, { words: wordsOf("en") })).has(n)) return source;
  }
  return null;
}
