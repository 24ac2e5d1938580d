// Which fragments tell a page of a thread as it is, of the list, and of what came of a wish. Pure. What a
// Run's events change is live/run-frames'.

import { Pruned } from "../../views/acts.tsx";
import { AllowanceLine, Controls, composerIds, Gauge, Notice } from "../../views/composer.tsx";
import { fragment, titleFragment } from "../../views/frame.ts";
import { itemId, ListBody, ListItem, listIds, menuId, Removed } from "../../views/list.tsx";
import { ids } from "../../views/message.tsx";
import { Settled, VoiceName, voiceIds } from "../../views/settings.tsx";
import { Status, statusIds, UpstreamBanner } from "../../views/status.tsx";
import { Articles, type ConversationNow, composerState } from "../../views/thread.tsx";
import { type Language, wordsOf } from "../../views/words.ts";
import type { Allowance } from "../domain/account.ts";
import type { ListedConversation } from "../domain/conversation.ts";
import type { FailureCode, FailureReport } from "../domain/failure.ts";
import type { ConversationId, MessageId } from "../domain/id.ts";
import type { Thread } from "../domain/thread.ts";
import type { UpstreamState } from "../domain/upstream.ts";

/** How somebody sees a page: in their language, and with what they can press, or without where they only read. */
export interface View {
  readonly language: Language;
  readonly isReader: boolean;
  /** Their time zone; null: not known. */
  readonly zone: string | null;
}

/** One object for each view, so that a frame made for one is found by it. There are as many as languages, zones and ways to look. */
const views = new Map<string, View>();

export function viewOf(
  language: Language,
  { isReader = false, zone = null }: { isReader?: boolean; zone?: string | null } = {},
): View {
  const key = `${language} ${isReader} ${zone}`;
  const view = views.get(key) ?? { language, isReader, zone };
  views.set(key, view);
  return view;
}

/** A frame as whoever gets it sees it. */
export type Frame = (view: View) => string;

/** A frame that is made once per view, when first asked for. */
export function once(make: Frame): Frame {
  const made = new Map<View, string>();
  return (view) => {
    const known = made.get(view);
    if (known !== undefined) return known;
    const frame = make(view);
    made.set(view, frame);
    return frame;
  };
}

/** Send, or Stop. */
export function controls(run: "idle" | "busy" | "stopping", view: View): string {
  if (view.isReader) return "";
  return fragment(
    composerIds.controls,
    "innerHTML",
    String(Controls({ state: { run }, words: wordsOf(view.language) })),
  );
}

/** How full the context is. */
export function gauge(thread: Thread, view: View): string {
  if (view.isReader) return "";
  return fragment(composerIds.context, "innerHTML", String(Gauge({ thread, words: wordsOf(view.language) })));
}

/** Everything a page shows that can change, as it is now. */
export function snapshotFrame(now: ConversationNow & { upstream: UpstreamState }, view: View): string {
  const words = wordsOf(view.language);
  return (
    fragment(ids.thread, "innerMorph", String(Articles({ ...now, isReader: view.isReader, words }))) +
    upstreamFrame(now.upstream, view) +
    (view.isReader ? "" : surroundings(now, view)) +
    titleFragment(now.title)
  );
}

/** What stands around the thread on the page of whoever may write in it. */
function surroundings(now: ConversationNow, view: View): string {
  const words = wordsOf(view.language);
  return (
    controls(composerState(now.live).run, view) +
    // before anything is said only the page knows who shall answer
    (now.thread.length > 0
      ? fragment(voiceIds.name, "outerMorph", String(VoiceName({ ...now, words })))
      : "") +
    gauge(now.thread, view)
  );
}

export function upstreamFrame(upstream: UpstreamState, view: View): string {
  const words = wordsOf(view.language);
  return (
    fragment(statusIds.status, "outerMorph", String(Status({ upstream, connected: true, words }))) +
    fragment(statusIds.upstream, "innerMorph", String(UpstreamBanner({ upstream, words })))
  );
}

/** A conversation in which something was said or has ended: at the top of its group, on a page that shows it (`isOpen`) or another. */
export function entryFrame(entry: ListedConversation, isOpen: boolean, view: View): string {
  const item = String(ListItem({ entry, isOpen, words: wordsOf(view.language) }));
  // the new one first: it takes over the menu that may be open in the old one
  return (
    fragment(entry.pinned ? listIds.pinned : listIds.today, "afterbegin", item) +
    fragment(itemId(entry.id), "delete")
  );
}

/** The list's first page anew. */
export function listFrame(list: readonly ListedConversation[], open: ConversationId, view: View): string {
  return fragment(
    listIds.body,
    "innerMorph",
    String(ListBody({ list, open, words: wordsOf(view.language, view.zone), now: Date.now() })),
  );
}

/** What somebody has used of what they may. */
export function allowanceFrame(allowance: Allowance, view: View): string {
  return fragment(
    composerIds.allowance,
    "innerHTML",
    String(AllowanceLine({ allowance, words: wordsOf(view.language) })),
  );
}

/** To a page that must not go on: why, and what to do. What it showed goes, for whoever comes after may sit before it; what was typed stays. */
export function farewellFrame(code: FailureCode, view: View): string {
  const words = wordsOf(view.language);
  const notice = String(Notice({ failure: { code, facts: {} }, words }));
  const status = `<p id="${statusIds.status}" role="status" data-connection="off"><span class="when-off">${Bun.escapeHTML(words.disconnected)}</span></p>`;
  const gone = [
    ids.thread,
    ...(view.isReader ? [] : [listIds.body, "found", voiceIds.settings, composerIds.context]),
  ];
  return (
    fragment(composerIds.notice, "innerHTML", notice) +
    gone.map((id) => fragment(id, "innerHTML")).join("") +
    fragment(statusIds.status, "outerHTML", status) +
    titleFragment("")
  );
}

/** To the sender alone: the conversation is gone, and can be brought back. */
export function removedFrame(conversation: ConversationId, view: View): string {
  return fragment(
    composerIds.notice,
    "innerHTML",
    String(Removed({ conversation, words: wordsOf(view.language) })),
  );
}

/** To the sender alone: a message is gone with what followed it, and can be brought back. */
export function prunedFrame(conversation: ConversationId, message: MessageId, view: View): string {
  return fragment(
    composerIds.notice,
    "innerHTML",
    String(Pruned({ conversation, message, words: wordsOf(view.language) })),
  );
}

/** To the sender alone: what was wished is done, so an earlier notice is of no use any more, nor the menu it was wished in. */
export function doneFrame(menuOf?: ConversationId): string {
  return (
    fragment(composerIds.notice, "innerHTML") +
    (menuOf === undefined ? "" : fragment(menuId(menuOf), "innerHTML"))
  );
}

/** To the sender alone: the settings are taken. */
export function settledFrame(view: View): string {
  return fragment(voiceIds.settings, "innerHTML", String(Settled({ words: wordsOf(view.language) })));
}

/** To the sender alone: what went wrong with what was just sent. */
export function noticeFrame(failure: FailureReport, conversation: ConversationId, view: View): string {
  const words = wordsOf(view.language);
  const undo = failure.code === "conversation_removed" ? String(Removed({ conversation, words })) : "";
  return fragment(composerIds.notice, "innerHTML", undo + String(Notice({ failure, words })));
}
