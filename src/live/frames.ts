// The frames that show a page the thread, the list, the state of llama-server and the result of a command.
// Pure. The frames for the events of a Run are in live/run-frames.

import { Pruned } from "../../views/acts.tsx";
import { AllowanceLine, AnswersFrom, Controls, composerIds, Gauge, Notice } from "../../views/composer.tsx";
import { fragment } from "../../views/frame.ts";
import { itemId, ListBody, ListItem, listIds, menuId, Removed } from "../../views/list.tsx";
import { ids } from "../../views/message.tsx";
import { PersonaButton, panelIds, Settled } from "../../views/settings.tsx";
import { Status, statusIds, UpstreamBanner } from "../../views/status.tsx";
import { Articles, type ConversationNow, composerState } from "../../views/thread.tsx";
import { titleFragment } from "../../views/title.ts";
import { wordsOf } from "../../views/words.ts";
import type { Allowance } from "../domain/account.ts";
import type { ListedConversation } from "../domain/conversation.ts";
import type { FailureCode, FailureReport } from "../domain/failure.ts";
import type { ConversationId, MessageId } from "../domain/id.ts";
import type { Thread } from "../domain/thread.ts";
import type { UpstreamState } from "../domain/upstream.ts";
import type { View } from "./view.ts";

/** The buttons Send and Stop. */
export function controls(run: "idle" | "busy" | "stopping", view: View): string {
  if (view.isReader) return "";
  return fragment(
    composerIds.controls,
    "innerHTML",
    String(Controls({ state: { run }, words: wordsOf(view.language) })),
  );
}

/** The gauge that shows how full the context is. */
export function gauge(thread: Thread, view: View): string {
  if (view.isReader) return "";
  return fragment(composerIds.context, "innerHTML", String(Gauge({ thread, words: wordsOf(view.language) })));
}

/** Replaces everything on a page that can change. */
export function snapshotFrame(now: ConversationNow & { upstream: UpstreamState }, view: View): string {
  const words = wordsOf(view.language);
  return (
    fragment(ids.thread, "innerMorph", String(Articles({ ...now, isReader: view.isReader, words }))) +
    upstreamFrame(now.upstream, view) +
    (view.isReader ? "" : surroundings(now, view)) +
    titleFragment(now.title)
  );
}

/** Replaces what surrounds the thread on a page that may write. */
function surroundings(now: ConversationNow, view: View): string {
  const words = wordsOf(view.language);
  return (
    controls(composerState(now.live).run, view) +
    // until the first question only the page knows the chosen persona
    (now.thread.length > 0
      ? fragment(panelIds.name, "outerMorph", String(PersonaButton({ ...now, words })))
      : "") +
    (now.thread.length > 0
      ? fragment(
          composerIds.answersFrom,
          "innerHTML",
          String(AnswersFrom({ names: now.answersFrom ?? [], words })),
        )
      : "") +
    gauge(now.thread, view)
  );
}

export function upstreamFrame(upstream: UpstreamState, view: View): string {
  const words = wordsOf(view.language);
  return (
    fragment(statusIds.status, "outerMorph", String(Status({ upstream, connected: true, words }))) +
    fragment(
      statusIds.upstream,
      "innerMorph",
      String(UpstreamBanner({ upstream, isAdmin: view.isAdmin, words })),
    )
  );
}

/** Moves a conversation to the top of its group in the list. `isOpen`: the page shows this conversation. */
export function entryFrame(entry: ListedConversation, isOpen: boolean, view: View): string {
  const item = String(ListItem({ entry, isOpen, words: wordsOf(view.language) }));
  // the new item comes first, so that it takes over the menu that may be open in the old one
  return (
    fragment(entry.pinned ? listIds.pinned : listIds.today, "afterbegin", item) +
    fragment(itemId(entry.id), "delete")
  );
}

/** Replaces the list by its first page. */
export function listFrame(list: readonly ListedConversation[], open: ConversationId, view: View): string {
  return fragment(
    listIds.body,
    "innerMorph",
    String(ListBody({ list, open, words: wordsOf(view.language, view.zone), now: Date.now() })),
  );
}

/** Replaces the line that shows what a person has used of their limits. */
export function allowanceFrame(allowance: Allowance, view: View): string {
  return fragment(
    composerIds.allowance,
    "innerHTML",
    String(AllowanceLine({ allowance, words: wordsOf(view.language) })),
  );
}

/**
 * For a page that may no longer show the thread (signed out, or its link was removed): says why and what to
 * do. Removes what the page shows, because another person may use the browser next. What was typed stays.
 */
export function accessLostFrame(code: FailureCode, view: View): string {
  const words = wordsOf(view.language);
  const notice = String(Notice({ failure: { code, facts: {} }, words }));
  const off = `<span class="when-off">${Bun.escapeHTML(words.disconnected)}</span>`;
  const status = `<p id="${statusIds.status}" role="status" data-connection="off">${off}</p>`;
  const emptied = [
    ids.thread,
    ...(view.isReader ? [] : [listIds.body, "found", panelIds.settings, composerIds.context]),
  ];
  return (
    fragment(composerIds.notice, "innerHTML", notice) +
    emptied.map((id) => fragment(id, "innerHTML")).join("") +
    fragment(statusIds.status, "outerHTML", status) +
    titleFragment("")
  );
}

/** For the sender alone: the conversation is deleted and can be restored. */
export function removedFrame(conversation: ConversationId, view: View): string {
  return fragment(
    composerIds.notice,
    "innerHTML",
    String(Removed({ conversation, words: wordsOf(view.language) })),
  );
}

/** For the sender alone: a message and all that followed it are deleted and can be restored. */
export function prunedFrame(conversation: ConversationId, message: MessageId, view: View): string {
  return fragment(
    composerIds.notice,
    "innerHTML",
    String(Pruned({ conversation, message, words: wordsOf(view.language) })),
  );
}

/**
 * For the sender alone: the command succeeded. Clears an earlier notice and closes the menu that sent the
 * command.
 */
export function doneFrame(menuOf?: ConversationId): string {
  return (
    fragment(composerIds.notice, "innerHTML") +
    (menuOf === undefined ? "" : fragment(menuId(menuOf), "innerHTML"))
  );
}

/** For the sender alone: the settings are saved. */
export function settingsSavedFrame(view: View): string {
  return fragment(panelIds.settings, "innerHTML", String(Settled({ words: wordsOf(view.language) })));
}

/** For the sender alone: why the last command failed. */
export function noticeFrame(failure: FailureReport, conversation: ConversationId, view: View): string {
  const words = wordsOf(view.language);
  const undo = failure.code === "conversation_removed" ? String(Removed({ conversation, words })) : "";
  return fragment(composerIds.notice, "innerHTML", undo + String(Notice({ failure, words })));
}
