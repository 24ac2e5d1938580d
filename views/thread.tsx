// The articles of a thread: what a page holds at first, and what it gets as one scrolls up.

import type { Snapshot } from "../src/domain/event.ts";
import type { RunId } from "../src/domain/id.ts";
import type { EffectiveSettings } from "../src/domain/persona.ts";
import type { ThreadPage } from "../src/domain/thread.ts";
import type { ComposerState } from "./composer.tsx";
import { MessageArticle, type RenderedAnswer, RunningArticle } from "./message.tsx";
import type { Words } from "./words.ts";

/** A thread's end, or a part before it, at one instant. */
export interface ThreadNow extends ThreadPage {
  readonly conversation: string;
  /** The Runs in progress. */
  readonly live: readonly Snapshot[];
  /** A Run in progress as those who watch have it on their pages. */
  readonly rendered?: (run: RunId) => RenderedAnswer | undefined;
  /** For somebody who only reads: nothing can be pressed. */
  readonly isReader?: boolean;
  /** Where older messages are fetched; absent: below the conversation's own address. */
  readonly path?: string;
}

/** All of a conversation's page that can change with it. */
export interface ConversationNow extends ThreadNow {
  readonly effective: EffectiveSettings;
  /** Names of the collections that the conversation has chosen; null for one that is gone. */
  readonly answersFrom?: readonly (string | null)[];
}

/**
 * The articles of a thread; the one in progress is rendered from its Snapshot. A marker at the top loads
 * older ones.
 */
export function Articles({
  conversation,
  thread,
  hasEarlier,
  live,
  rendered,
  isReader = false,
  path,
  words,
  isEnd = true,
}: ThreadNow & { words: Words; isEnd?: boolean }) {
  const first = thread[0]?.message.id;
  return (
    <>
      {hasEarlier && (
        <p
          id="earlier"
          class="earlier"
          hx-get={`${path ?? `/c/${conversation}`}/before/${first}`}
          hx-trigger="intersect once root:#scroller"
          hx-swap="outerHTML"
        >
          {words.earlier}
        </p>
      )}
      {thread.map((utterance, i) => {
        const snapshot = live.find(({ messageId }) => messageId === utterance.message.id);
        if (snapshot)
          return (
            <RunningArticle
              snapshot={snapshot}
              conversation={conversation}
              rendered={rendered?.(snapshot.run)}
              isReader={isReader}
              words={words}
            />
          );
        return (
          <MessageArticle
            {...utterance}
            last={isEnd && i === thread.length - 1}
            isReader={isReader}
            words={words}
          />
        );
      })}
    </>
  );
}

export function composerState(live: readonly Snapshot[]): ComposerState {
  const [snapshot] = live;
  return { run: snapshot === undefined ? "idle" : snapshot.stopping ? "stopping" : "busy" };
}
