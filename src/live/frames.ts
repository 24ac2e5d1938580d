// Which fragments tell a page about an event: the only place that knows both RunEvents and the page's elements.
// Pure but for the open tails of the Runs in progress. Used by live/hub and live/socket.

import { Controls, composerIds, Gauge, Notice } from "../../views/composer.tsx";
import { fragment, growth, titleFragment } from "../../views/frame.ts";
import { itemId, ListBody, ListItem, listIds, menuId, Removed } from "../../views/list.tsx";
import { PlainStream } from "../../views/markdown/plain.ts";
import { articleId, ids, MessageArticle, OpenReasoning, RunningArticle, RunState } from "../../views/message.tsx";
import { Status, statusIds, UpstreamBanner } from "../../views/status.tsx";
import { Articles, type ConversationNow, composerState } from "../../views/thread.tsx";
import { Settled, VoiceName, voiceIds } from "../../views/voice.tsx";
import { type Language, wordsOf } from "../../views/words.ts";
import { type ConversationId, type ListedConversation, type Message, type Thread, titleFrom } from "../domain/conversation.ts";
import type { FailureReport } from "../domain/failure.ts";
import type { RunEvent, RunId, Snapshot } from "../domain/run.ts";
import type { UpstreamState } from "../domain/upstream.ts";

/** A frame in the language of whoever gets it. */
export type Frame = (language: Language) => string;

/** For events that change nothing on a page. */
const nothing: Frame = () => "";

/** A frame that is made once per language, when first asked for. */
export function once(make: Frame): Frame {
  const made = new Map<Language, string>();
  return (language) => {
    const known = made.get(language);
    if (known !== undefined) return known;
    const frame = make(language);
    made.set(language, frame);
    return frame;
  };
}

/** The element that tells screen readers of an answer's start and end. */
const announce = "announce";

/** Renders the events of a Room's Runs. Keeps the open tail of each text, which every watcher's page shares. */
export class RunFrames {
  readonly #streams = new Map<RunId, { text: PlainStream; reasoning: PlainStream; textBegun: boolean; reasoningBegun: boolean }>();

  /** `live` are the Runs in progress when the Room opens. */
  constructor(live: readonly Snapshot[]) {
    for (const snapshot of live) this.#open(snapshot.run, snapshot);
  }

  /** The frame for an event; must be called once for each, in order. */
  of(event: RunEvent): Frame {
    switch (event.kind) {
      case "queued":
        this.#open(event.run, event.answer);
        return event.question === null ? nothing : once((language) => queuedFrame(event, language));
      case "place":
        return once((language) => fragment(ids.run, "innerHTML", runState({ status: "queued", place: event.place, progress: null }, language)));
      case "started":
        return once((language) => startedFrame(event, language));
      case "prompt":
        return once((language) => fragment(ids.run, "innerHTML", runState({ status: "running", place: null, progress: event.progress }, language)));
      case "reasoning":
        return this.#reasoning(event.run, event.text);
      case "text":
        return this.#text(event.run, event.text);
      case "stopping":
        return once((language) => controls("stopping", language));
      case "ended":
        this.#streams.delete(event.run);
        return once((language) => endedFrame(event, language));
    }
  }

  #open(run: RunId, { text, reasoning }: { text: string; reasoning: string }): void {
    this.#streams.set(run, { text: new PlainStream(text), reasoning: new PlainStream(reasoning), textBegun: text !== "", reasoningBegun: reasoning !== "" });
  }

  #text(run: RunId, text: string): Frame {
    const stream = this.#streams.get(run);
    if (!stream) return nothing;
    const { finished, tail } = stream.text.push(text);
    const first = stream.textBegun ? "" : fragment(ids.run, "innerHTML");
    stream.textBegun = true;
    const frame = first + growth(ids.tail, finished, tail);
    return () => frame;
  }

  #reasoning(run: RunId, text: string): Frame {
    const stream = this.#streams.get(run);
    if (!stream) return nothing;
    const { finished, tail } = stream.reasoning.push(text);
    if (!stream.reasoningBegun) {
      stream.reasoningBegun = true;
      return once(
        (language) => fragment(ids.run, "innerHTML") + fragment(ids.reasoning, "innerHTML", String(OpenReasoning({ text, words: wordsOf(language) }))),
      );
    }
    const frame = growth(ids.reasoningTail, finished, tail);
    return () => frame;
  }
}

function runState(state: Pick<Snapshot, "status" | "place" | "progress">, language: Language): string {
  return String(RunState({ snapshot: { ...state, text: "", reasoning: "" }, words: wordsOf(language) }));
}

function controls(run: "idle" | "busy" | "stopping", language: Language): string {
  return fragment(composerIds.controls, "innerHTML", String(Controls({ state: { run }, words: wordsOf(language) })));
}

/** How full the context is. */
function gauge(thread: Thread, language: Language): string {
  return fragment(composerIds.context, "innerHTML", String(Gauge({ thread, words: wordsOf(language) })));
}

/** A Run that has written nothing yet, below what `answer` may hold already. */
function begun(event: RunEvent, { text, reasoning }: Message, status: "queued" | "running"): Snapshot {
  return { run: event.run, messageId: event.messageId, n: event.n, status, text, reasoning, place: null, progress: null, stopping: false };
}

function queuedFrame(event: RunEvent & { kind: "queued" }, language: Language): string {
  const words = wordsOf(language);
  const answer = String(RunningArticle({ snapshot: begun(event, event.answer, "queued"), words }));
  const question = event.question ? String(MessageArticle({ message: event.question, run: null, siblings: [event.question.id], last: false, words })) : "";
  const title = event.question?.parent === null ? titleFragment(titleFrom(event.question.text)) : "";
  return fragment(ids.thread, "beforeend", question + answer) + controls("busy", language) + title;
}

function startedFrame(event: RunEvent & { kind: "started" }, language: Language): string {
  const words = wordsOf(language);
  const article = String(RunningArticle({ snapshot: begun(event, event.answer, "running"), words }));
  return fragment(articleId(event.messageId), "outerHTML", article) + fragment(announce, "innerHTML", words.answering);
}

function endedFrame(event: RunEvent & { kind: "ended" }, language: Language): string {
  const words = wordsOf(language);
  const article = String(MessageArticle({ ...event.utterance, last: true, words }));
  const outcome = event.utterance.run.status as keyof typeof words.answerEnd;
  return (
    fragment(articleId(event.messageId), "outerMorph", article) +
    controls("idle", language) +
    (event.utterance.run.stats.contextTokens === undefined ? "" : gauge([event.utterance], language)) +
    fragment(announce, "innerHTML", words.answerEnd[outcome])
  );
}

/** Everything a page shows that can change, as it is now. */
export function snapshotFrame(now: ConversationNow & { upstream: UpstreamState }, language: Language): string {
  const words = wordsOf(language);
  return (
    fragment(ids.thread, "innerMorph", String(Articles({ ...now, words }))) +
    controls(composerState(now.live).run, language) +
    upstreamFrame(now.upstream, language) +
    // before anything is said only the page knows who shall answer
    (now.thread.length > 0 ? fragment(voiceIds.name, "outerMorph", String(VoiceName({ ...now, words }))) : "") +
    gauge(now.thread, language) +
    titleFragment(now.title)
  );
}

export function upstreamFrame(upstream: UpstreamState, language: Language): string {
  const words = wordsOf(language);
  return (
    fragment(statusIds.status, "outerMorph", String(Status({ upstream, connected: true, words }))) +
    fragment(statusIds.upstream, "innerMorph", String(UpstreamBanner({ upstream, words })))
  );
}

/** A conversation in which something was said or has ended: at the top of its group, on a page that shows it (`isOpen`) or another. */
export function entryFrame(entry: ListedConversation, isOpen: boolean, language: Language): string {
  const item = String(ListItem({ entry, isOpen, words: wordsOf(language) }));
  // the new one first: it takes over the menu that may be open in the old one
  return fragment(entry.pinned ? listIds.pinned : listIds.today, "afterbegin", item) + fragment(itemId(entry.id), "delete");
}

/** The list's first page anew. */
export function listFrame(list: readonly ListedConversation[], open: ConversationId, language: Language): string {
  return fragment(listIds.body, "innerMorph", String(ListBody({ list, open, words: wordsOf(language), now: Date.now() })));
}

/** To the sender alone: the conversation is gone, and can be brought back. */
export function removedFrame(conversation: ConversationId, language: Language): string {
  return fragment(composerIds.notice, "innerHTML", String(Removed({ conversation, words: wordsOf(language) })));
}

/** To the sender alone: what was wished is done, so an earlier notice is of no use any more, nor the menu it was wished in. */
export function doneFrame(menuOf?: ConversationId): string {
  return fragment(composerIds.notice, "innerHTML") + (menuOf === undefined ? "" : fragment(menuId(menuOf), "innerHTML"));
}

/** To the sender alone: the settings are taken. */
export function settledFrame(language: Language): string {
  return fragment(voiceIds.settings, "innerHTML", String(Settled({ words: wordsOf(language) })));
}

/** To the sender alone: what went wrong with what was just sent. */
export function noticeFrame(failure: FailureReport, conversation: ConversationId, language: Language): string {
  const words = wordsOf(language);
  const undo = failure.code === "conversation_removed" ? String(Removed({ conversation, words })) : "";
  return fragment(composerIds.notice, "innerHTML", undo + String(Notice({ failure, words })));
}
