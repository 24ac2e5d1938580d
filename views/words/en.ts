// The words of the chat page in English.

import { startAdvice } from "../../src/domain/upstream.ts";
import { attachmentsEn } from "./attachments-en.ts";
import type { Words } from "./catalogue.ts";
import { failuresEn, samplingEn } from "./failures-en.ts";
import { groundingEn } from "./grounding.ts";
import { houseEn } from "./house-en.ts";
import { libraryEn } from "./library.ts";
import { shortNumber, type WaitWords, waitIn } from "./numbers.ts";
import { sourcesEn } from "./sources.ts";

const waitWords: WaitWords = {
  few: "a few seconds",
  upTo: (most) => `up to ${most}`,
  about: (most) => `about ${most}`,
  to: "to",
};
const number = (value: unknown) => shortNumber(Number(value), "en");

export const en: Words = {
  lang: "en",
  zone: null,
  conversation: "Conversation",
  conversations: "Conversations",
  newChat: "New chat",
  search: "Search",
  nothingFound: "Nothing found",
  pinned: "Pinned",
  today: "Today",
  yesterday: "Yesterday",
  lastDays: (days) => `Last ${days} days`,
  options: "Options",
  name: "Name",
  rename: "Rename",
  pin: "Pin",
  unpin: "Unpin",
  removed: "Conversation deleted.",
  pruned: "Message deleted, together with everything after it.",
  undo: "Undo",
  exportAs: "Export as",
  exportAll: "Export all",
  import: "Import a file",
  imported: (added, known) =>
    `${number(added)} ${added === 1 ? "conversation" : "conversations"} imported` +
    `${known > 0 ? `, ${number(known)} already here` : ""}.`,
  message: "Message",
  placeholder: "Ask something",
  send: "Send",
  attachments: attachmentsEn,
  library: libraryEn,
  stop: "Stop",
  stopping: "Stopping…",
  tryAgain: "Try again",
  continue: "Continue",
  regenerate: "Regenerate",
  copy: "Copy",
  copied: "Copied",
  notCopied: "Could not copy: select the text instead",
  delete: "Delete",
  edit: "Edit",
  askAnew: "Save and submit",
  cancel: "Cancel",
  previousBranch: "Previous version",
  nextBranch: "Next version",
  earlier: "Earlier messages…",
  you: "You",
  assistant: "Answer",
  wrap: "Wrap lines",
  taskDone: "done",
  taskOpen: "to do",
  thinking: (seconds) => (seconds === 0 ? "Thinking…" : `Thinking… ${seconds} s`),
  thought: (seconds) => (seconds ? `Thought for ${seconds} s` : "Thoughts"),
  toEnd: "Jump to the end",
  skip: "Skip to the message field",
  hint: "Enter to send, Shift+Enter for a new line, Esc then ? for shortcuts",
  keys: "Keyboard shortcuts",
  keyDoes: {
    n: "New chat",
    "/": "Search",
    m: "Write a message (Esc leaves the field)",
    ".": "Stop the answer",
    j: "Next conversation",
    k: "Previous conversation",
    e: "Edit the last question",
    "?": "Show these shortcuts",
  },
  emptyTitle: "Good to see you.",
  emptyText: "Your questions are answered by a language model of this house. Nothing leaves the house.",
  emptyElsewhere: (hosts) => `Your questions are sent to the language model at ${hosts} and answered there.`,
  connected: "Connected",
  reconnecting: "Not connected, reconnecting…",
  disconnected: "Not connected",
  upstreamLoading: "The model is starting",
  upstreamAbsent: "No model yet",
  answering: "Answering",
  answerEnd: {
    done: "Answer complete",
    stopped: "Answer stopped",
    failed: "Answer failed",
    interrupted: "Answer interrupted",
  },
  stopped: "Stopped",
  interrupted: "Interrupted: parlor shut down while this answer was being written",
  slotBusy: "llama-server still reported this answer's slot as busy when parlor stopped waiting for it",
  lengthLimit: "Stopped at the length limit",
  waiting: ({ position, of, wait }) =>
    `${ordinal(position)} of ${of} in the queue${wait ? ` – ${waitIn(wait, waitWords)}` : ""}`,
  leaveLine: "Leave the queue",
  allowance: ({ usage, limits: { tokensPerDay, runsPerMinute }, runsLeft }) => [
    ...(tokensPerDay === null ? [] : [`${whole(usage.tokens)} of ${whole(tokensPerDay)} tokens used today`]),
    ...(runsPerMinute === null || runsLeft === null || runsLeft > runsPerMinute / 2
      ? []
      : [`${runsLeft} of ${runsPerMinute} questions left this minute`]),
  ],
  house: houseEn,
  starting: "One moment…",
  reading: (processed, total) => `Reading: ${number(processed)} of ${number(total)} tokens`,
  modelAway: "The model is not there yet. The person who runs this parlor can start it.",
  modelComes: "The model is being loaded. That takes a moment.",
  waitingFor: (url) => `Waiting for llama-server at ${url}.`,
  tooLong: (limitBytes) =>
    `This message is too long: the limit is ${number(limitBytes)} bytes. Shorten it or send it in parts.`,
  howToStart: "To start one:",
  goesOn: "This page shows when it answers. You can then try again where a question could not be answered.",
  ownStarting: "llama-server is starting.",
  ownFailed: "llama-server cannot be started",
  startAdvice,
  foreignLoading: "llama-server is loading its model.",
  stats: ({ status, finish, stats }) => {
    const { promptTokens, cachedTokens, outputTokens, tokensPerSecond, firstTokenMs, queueMs, model } = stats;
    if (outputTokens === undefined) return [];
    const speed = tokensPerSecond === undefined ? "" : ` · ${number(tokensPerSecond)} tokens/s`;
    return [
      `${number(outputTokens)} ${outputTokens === 1 ? "token" : "tokens"}${speed}`,
      ...(model === undefined ? [] : [model]),
      ...(promptTokens === undefined
        ? []
        : [
            `${number(promptTokens)} prompt tokens` +
              `${cachedTokens ? `, ${number(cachedTokens)} of them cached` : ""}`,
          ]),
      ...(firstTokenMs === undefined ? [] : [`first token after ${number(firstTokenMs / 1000)} s`]),
      ...(queueMs === undefined || queueMs < 10 ? [] : [`${number(queueMs / 1000)} s in the queue`]),
      ...(status !== "done" || finish === "length"
        ? []
        : [finish === "tool_calls" ? "requested a tool" : "finished"]),
    ];
  },
  source: sourcesEn,
  grounding: groundingEn,
  dropped: (messages) =>
    messages === 1
      ? "The oldest message no longer fit the context and was left out"
      : `The ${number(messages)} oldest messages no longer fit the context and were left out`,
  contextFull: "older messages will be left out",
  contextUsed: (used, total) => `${number(used)} of ${number(total)} tokens of context`,
  persona: "Persona",
  noPersona: "No persona",
  gone: (persona) => `${persona} (no longer available)`,
  broken: (persona) => `${persona} (can't be used)`,
  ownSettings: "with custom settings",
  settings: "Persona and settings",
  sampling: samplingEn,
  ofModel: "the model's default",
  ofPersona: (value) => `${value} (from the persona)`,
  apply: "Apply",
  model: "Model",
  whicheverModel: "any available",
  modelStatus: {
    loaded: "ready",
    loading: "loading",
    unloaded: "loads on first use",
    failed: "failed to load",
  },
  modelLoading: (model) => `Loading the model ${model}.`,
  settled: "Applies from the next answer on.",
  fromFirst: "Applies from your first question on.",
  enforced: "The same persona answers everybody here.",
  whoAnswers: "Choose a persona",
  starters: "Suggestions",
  temporary: "Temporary chat",
  temporaryText:
    "This chat is temporary: it is never written to disk, " +
    "and is deleted once nobody has viewed it for a while.",
  failures: failuresEn,
};

function whole(n: number): string {
  return n.toLocaleString("en");
}

function ordinal(n: number): string {
  const suffix = { one: "st", two: "nd", few: "rd" } as Record<string, string>;
  return `${n}${suffix[new Intl.PluralRules("en", { type: "ordinal" }).select(n)] ?? "th"}`;
}
