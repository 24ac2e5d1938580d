// The HTML fragments that show the stages of a Run: queued, started, thoughts, ended. Pure: what a page
// shows of a running answer is kept in live/run-frames.

import { fragment } from "../../views/frame.ts";
import { openIds } from "../../views/markdown/stream.ts";
import {
  After,
  ArticleShell,
  articleId,
  ids,
  MessageArticle,
  type RenderedAnswer,
  RunningArticle,
  type RunningSnapshot,
  RunState,
  Thought,
} from "../../views/message.tsx";
import { titleFragment } from "../../views/title.ts";
import { wordsOf } from "../../views/words.ts";
import { type Message, titleOf } from "../domain/conversation.ts";
import type { RunEvent, Snapshot } from "../domain/event.ts";
import { controls, gauge } from "./frames.ts";
import type { View } from "./view.ts";

/** The element that announces the start and the end of an answer to screen readers. */
const announce = "announce";

/** Replaces what is said of a Run before its answer begins: its place in the queue, the prompt's progress. */
export function stateFragment(state: Pick<Snapshot, "status" | "place" | "progress">, view: View): string {
  const snapshot = { ...state, parts: [] };
  const html = String(RunState({ snapshot, isReader: view.isReader, words: wordsOf(view.language) }));
  return fragment(ids.run, "innerHTML", html);
}

/** Replaces the element `place` by thoughts that are over, folded. `ms` is how long they took. */
export function foldedThought(
  place: string,
  message: string,
  { text, ms }: { text: string; ms: number | undefined },
  view: View,
): string {
  return fragment(place, "outerHTML", String(Thought({ message, text, ms, words: wordsOf(view.language) })));
}

/** Appends the question, if the event has one, and an article for its answer. */
export function queuedFragment(event: RunEvent & { kind: "queued" }, view: View): string {
  const words = wordsOf(view.language);
  const answer = String(
    RunningArticle({
      snapshot: emptySnapshot(event, event.answer, "queued"),
      conversation: event.conversation,
      isReader: view.isReader,
      words,
    }),
  );
  const question = event.question
    ? String(
        MessageArticle({
          message: event.question,
          run: null,
          siblings: [event.question.id],
          last: false,
          isReader: view.isReader,
          words,
        }),
      )
    : "";
  const title = event.question?.parent === null ? titleFragment(titleOf(event.question)) : "";
  return fragment(ids.thread, "beforeend", question + answer) + controls("busy", view) + title;
}

/**
 * Replaces the article of a queued answer by that of a running one, with the text `rendered` that it already
 * shows.
 */
export function startedFragment(
  event: RunEvent & { kind: "started" },
  rendered: RenderedAnswer | undefined,
  view: View,
): string {
  const words = wordsOf(view.language);
  const article = String(
    RunningArticle({
      snapshot: emptySnapshot(event, event.answer, "running"),
      conversation: event.conversation,
      rendered,
      isReader: view.isReader,
      words,
    }),
  );
  return (
    fragment(articleId(event.messageId), "outerHTML", article) +
    fragment(announce, "innerHTML", words.answering)
  );
}

/** Closes an answer. `last` is the rest of its text and thoughts: the whole text is never sent again. */
export function endedFragment(event: RunEvent & { kind: "ended" }, last: string, view: View): string {
  const words = wordsOf(view.language);
  const { message, run } = event.utterance;
  const after = String(After({ ...event.utterance, last: true, isReader: view.isReader, words }));
  return (
    last +
    fragment(openIds.block, "delete") +
    fragment(ids.run, "outerHTML", after) +
    fragment(
      articleId(message.id),
      "outerMorph",
      String(ArticleShell({ message: message.id, status: run.status, words })),
    ) +
    controls("idle", view) +
    (run.stats.contextTokens === undefined ? "" : gauge([event.utterance], view)) +
    fragment(announce, "innerHTML", words.answerEnd[run.status as keyof typeof words.answerEnd])
  );
}

/** A Run that has added nothing yet to what `answer` already holds. */
function emptySnapshot(event: RunEvent, { parts }: Message, status: "queued" | "running"): RunningSnapshot {
  return {
    messageId: event.messageId,
    status,
    parts,
    thinkingSince: null,
    place: null,
    progress: null,
  };
}
