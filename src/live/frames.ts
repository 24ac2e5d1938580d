// Which fragments tell a page of a thread as it is, of the list, and of what came of a wish. Pure. What a Run's events change is
// live/run-frames'. Used by live/hub and live/socket.

import { Controls, composerIds, Gauge, Notice } from "../../views/composer.tsx";
import { fragment, titleFragment } from "../../views/frame.ts";
import { itemId, ListBody, ListItem, listIds, menuId, Removed } from "../../views/list.tsx";
import { ids } from "../../views/message.tsx";
import { Status, statusIds, UpstreamBanner } from "../../views/status.tsx";
import { Articles, type ConversationNow, composerState } from "../../views/thread.tsx";
import { Settled, VoiceName, voiceIds } from "../../views/voice.tsx";
import { type Language, wordsOf } from "../../views/words.ts";
import type { ConversationId, ListedConversation, Thread } from "../domain/conversation.ts";
import type { FailureReport } from "../domain/failure.ts";
import type { UpstreamState } from "../domain/upstream.ts";

/** A frame in the language of whoever gets it. */
export type Frame = (language: Language) => string;

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

/** Send, or Stop. */
export function controls(run: "idle" | "busy" | "stopping", language: Language): string {
  return fragment(composerIds.controls, "innerHTML", String(Controls({ state: { run }, words: wordsOf(language) })));
}

/** How full the context is. */
export function gauge(thread: Thread, language: Language): string {
  return fragment(composerIds.context, "innerHTML", String(Gauge({ thread, words: wordsOf(language) })));
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
