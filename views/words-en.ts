// parlor's words in English. See views/words.

import { startAdvice } from "../src/domain/upstream.ts";
import { after, shortNumber, type WaitWords, waitIn } from "./numbers.ts";
import type { Words } from "./words.ts";
import { houseEn } from "./words-house-en.ts";

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
  options: "Options",
  name: "Name",
  rename: "Rename",
  pin: "Pin",
  unpin: "Unpin",
  removed: "The conversation is deleted.",
  pruned: "The message and what followed it are deleted.",
  undo: "Undo",
  exportAs: "Save as",
  exportAll: "Save all",
  import: "Bring in a file",
  imported: (added, known) =>
    `${number(added)} ${added === 1 ? "conversation" : "conversations"} brought in${known > 0 ? `, ${number(known)} here already` : ""}.`,
  message: "Message",
  placeholder: "Ask something",
  send: "Send",
  stop: "Stop",
  stopping: "Stopping…",
  tryAgain: "Try again",
  continue: "Continue",
  regenerate: "Ask again",
  copy: "Copy",
  copied: "Copied",
  notCopied: "Not copied: select the text instead",
  delete: "Delete",
  edit: "Edit",
  askAnew: "Ask anew",
  cancel: "Cancel",
  previousBranch: "Previous version",
  nextBranch: "Next version",
  earlier: "Earlier messages …",
  you: "You",
  assistant: "Answer",
  wrap: "Wrap lines",
  taskDone: "done",
  taskOpen: "to do",
  thinking: (seconds) => (seconds === 0 ? "Thinking…" : `Thinking… ${seconds} s`),
  thought: (seconds) => (seconds ? `Thought for ${seconds} s` : "Thoughts"),
  toEnd: "To the end",
  skip: "To the message field",
  hint: "Enter sends, Shift+Enter breaks the line, Esc then ? shows keys",
  keys: "Keys",
  keyDoes: {
    n: "New chat",
    "/": "Search",
    m: "Write a message (Esc leaves the field)",
    ".": "Stop the answer",
    j: "Next conversation",
    k: "Previous conversation",
    e: "Edit the last question",
    "?": "Show these keys",
  },
  emptyTitle: "Good to see you.",
  emptyText: "What you ask here is answered by the language model on this machine. Nothing leaves the house.",
  emptyElsewhere: (hosts) =>
    `What you ask here is sent to the language model at ${hosts} and answered there.`,
  connected: "Connected",
  reconnecting: "Not connected, trying again",
  disconnected: "Not connected",
  upstreamLoading: "The model is starting",
  upstreamAbsent: "No model yet",
  answering: "Answering",
  answerEnd: {
    done: "Answer complete",
    stopped: "Answer stopped",
    failed: "The answer failed",
    interrupted: "Answer interrupted",
  },
  stopped: "Stopped",
  interrupted: "Interrupted: parlor was ended while this was being written",
  slotBusy: "llama-server still showed this answer's slot as busy when parlor stopped waiting for it",
  lengthLimit: "Ended at the length limit",
  waiting: ({ position, of, wait }) =>
    `${ordinal(position)} of ${of} in line${wait ? ` – ${waitIn(wait, waitWords)}` : ""}`,
  leaveLine: "Leave the line",
  allowance: ({ usage, limits: { tokensPerDay, runsPerMinute }, runsLeft }) => [
    ...(tokensPerDay === null ? [] : [`${whole(usage.tokens)} of ${whole(tokensPerDay)} tokens today`]),
    ...(runsPerMinute === null || runsLeft === null || runsLeft > runsPerMinute / 2
      ? []
      : [`${runsLeft} of ${runsPerMinute} questions a minute left`]),
  ],
  house: houseEn,
  starting: "One moment…",
  reading: (processed, total) => `Reading: ${number(processed)} of ${number(total)} tokens`,
  waitingFor: (url) => `Waiting for a llama-server at ${url}.`,
  tooLong: (limitBytes) =>
    `This message is too long: at most ${number(limitBytes)} bytes can be sent. Shorten it or send it in parts.`,
  howToStart: "To start one:",
  goesOn:
    "This page says so as soon as it answers. What could not be answered until then can be tried again.",
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
            `${number(promptTokens)} tokens read${cachedTokens ? `, ${number(cachedTokens)} of them from cache` : ""}`,
          ]),
      ...(firstTokenMs === undefined ? [] : [`first token after ${number(firstTokenMs / 1000)} s`]),
      ...(queueMs === undefined || queueMs < 10 ? [] : [`${number(queueMs / 1000)} s in line`]),
      ...(status !== "done" || finish === "length"
        ? []
        : [finish === "tool_calls" ? "asked for a tool" : "came to its end"]),
    ];
  },
  dropped: (messages) =>
    `The ${messages === 1 ? "oldest message" : `${number(messages)} oldest messages`} no longer fitted into the context and went unread`,
  contextFull: "more fits only without the oldest",
  contextUsed: (used, total) => `${number(used)} of ${number(total)} tokens of context`,
  persona: "Persona",
  noPersona: "No persona",
  gone: (persona) => `${persona} (no longer there)`,
  broken: (persona) => `${persona} (can't be used)`,
  ownSettings: "with own settings",
  settings: "Who answers, and how",
  sampling: { temperature: "Temperature", topP: "Top-p", maxTokens: "Longest answer, in tokens" },
  ofModel: "the model's own",
  ofPersona: (value) => `${value}, the persona's`,
  apply: "Apply",
  model: "Model",
  whicheverModel: "whichever is there",
  modelStatus: {
    loaded: "ready",
    loading: "being loaded",
    unloaded: "is loaded when it is asked",
    failed: "could not be loaded",
  },
  modelLoading: (model) => `The model ${model} is being loaded.`,
  settled: "Holds from the next answer on.",
  fromFirst: "Holds from your first question on.",
  enforced: "Here the same persona answers everybody.",
  whoAnswers: "Who shall answer?",
  starters: "To begin with",
  temporary: "Temporary chat",
  temporaryText:
    "A temporary chat: it is never written to disk and forgotten when nobody has looked at it for a while.",
  failures: {
    upstream_absent: ({ url }) => `No llama-server answers at ${url}. Start it, then try again.`,
    upstream_loading: () => "llama-server is still loading its model. Try again in a moment.",
    upstream_unauthorized: () =>
      "llama-server asks for an API key, or for another one. Start parlor with --llama-api-key.",
    upstream_refused: ({ status, detail }) =>
      `llama-server refused the request (${status})${detail ? `: ${detail}` : "."}`,
    upstream_error: ({ status, detail }) =>
      `llama-server reported an error (${status})${detail ? `: ${detail}` : "."} Try again; if it stays, look at llama-server's log.`,
    upstream_cut: () =>
      "The connection to llama-server broke in the middle of the answer. What had come is kept.",
    upstream_stalled: ({ seconds }) =>
      `llama-server sent nothing for ${seconds} seconds, so parlor stopped waiting. What had come is kept.`,
    upstream_garbled: () =>
      "What llama-server sent could not be understood. Is it really a llama-server at that address?",
    upstream_line_too_long: ({ limitBytes }) =>
      `llama-server sent a line of more than ${number(limitBytes)} bytes without an end. What had come is kept.`,
    answer_too_long: ({ limitChars }) =>
      `The answer has more than ${number(limitChars)} characters, so parlor ended it. The text so far is kept.`,
    model_missing: ({ model, models }) =>
      `No llama-server has the model ${model}. Choose another, then try again${models ? `; there are ${models}.` : "."}`,
    model_failed: ({ model }) =>
      `llama-server could not load the model ${model}. Choose another at the top; its log says what went wrong.`,
    context_overflow: ({ promptTokens, contextTokens, roomTokens = contextTokens }) =>
      `Your question, with what must go along with it, has ${number(promptTokens)} tokens; the model has room for ${number(roomTokens)}. Shorten it, send it in parts, or give llama-server a larger context (-c).`,
    context_full: ({ promptTokens, contextTokens }) =>
      `This conversation has ${number(promptTokens)} tokens; the model's context of ${number(contextTokens)} has no room left for an answer, and its persona leaves nothing out. Start a new chat, delete messages that are not needed, or choose another persona at the top.`,
    persona_missing: ({ persona, enforced }) =>
      `The persona ${persona} is not there any more. ${enforced ? "It answers everybody here, so an admin must bring it back or choose another." : "Choose another at the top, then try again."}`,
    persona_broken: ({ persona, enforced }) =>
      `The persona ${persona} can't be used: its file has a fault, which stands in parlor's log. ${enforced ? "It answers everybody here, so an admin must mend it or choose another." : "Choose another at the top, or try again once it is mended."}`,
    persona_enforced: ({ persona }) =>
      `Here the persona ${persona} answers everybody, and this request would go past it. Ask at /ask, or at /chat without "raw".`,
    bad_setting: ({ name, least, most }) =>
      `${en.sampling[name as keyof typeof en.sampling]} must be a ${name === "maxTokens" ? "whole " : ""}number from ${number(least)} to ${number(most)}.`,
    store_damaged: () =>
      "The file in which parlor keeps everything is damaged. Whoever runs parlor finds its name, and what to do, in the log.",
    store_unwritable: () =>
      "parlor can't write its file: the disk is full or read-only. Your text is kept; try again once there is room.",
    message_empty: () => "There is nothing to send yet.",
    message_too_long: ({ bytes, limitBytes }) =>
      `This message has ${number(bytes)} bytes; at most ${number(limitBytes)} can be sent. Shorten it or send it in parts.`,
    conversation_busy: () =>
      "An answer is still being written here. WaitEstimate for it or stop it; your text is kept.",
    queue_full: ({ waiting, seconds }) =>
      `${number(waiting)} others are waiting already. Try again ${after(seconds ?? 60)}; your text is kept.`,
    too_many_waiting: ({ waiting }) =>
      `${number(waiting)} of your questions are in line already. Send this one when one of them is answered; your text is kept.`,
    runs_limit: ({ limit, seconds }) =>
      `That was ${number(limit)} questions within a minute, which is as many as you may ask. Try again ${after(seconds)}; your text is kept.`,
    tokens_limit: ({ tokens, limit, seconds }) =>
      `You have used ${whole(Number(tokens))} of ${whole(Number(limit))} tokens today. The count starts anew ${after(seconds)}; your text is kept.`,
    not_found: () => "That is not here (any more).",
    conversation_removed: () =>
      "This conversation was deleted. Undo that, or start a new chat; your text is kept.",
    bad_frame: () => "That message could not be understood. Reload the page and try again.",
    bad_request: ({ detail }) => `That request could not be understood${detail ? `: ${detail}` : "."}`,
    import_busy: () => "Files are being read already. Try again when that is done.",
    import_slow: ({ seconds }) =>
      `Reading that file took longer than ${number(seconds)} s. What was read until then is here.`,
    too_large: ({ limitBytes }) => `That is larger than ${number(limitBytes)} bytes.`,
    unsupported_encoding: ({ coding }) =>
      `parlor does not know the Content-Encoding ${coding}. Send the body as it is, or with gzip, deflate, br or zstd.`,
    bodies_full: () => "Too many large requests are here at once. Try again in a few seconds.",
    body_slow: ({ seconds }) =>
      `The rest of the request did not come within ${number(seconds)} seconds. Send it again.`,
    no_such_address: ({ path, known }) => `There is nothing at ${path}. Programs ask here: ${known}.`,
    wrong_method: ({ path, method }) => `${path} is asked with ${method}.`,
    too_many_sockets: ({ limit }) =>
      `There are ${number(limit)} open connections from this address already. Close some tabs.`,
    foreign_origin: ({ origin, host }) =>
      `Pages of ${origin} may not talk to parlor, which was asked for as ${host}. If ${origin} is parlor itself behind a proxy, have the proxy pass the name and the port on ` +
      `(nginx: proxy_set_header Host $http_host). To allow another site, start parlor with --allow-origin ${origin}.`,
    unknown_host: ({ host }) =>
      `parlor does not know itself by the name ${host}. To allow it, start parlor with --allow-origin http://${host}.`,
    not_signed_in: () => "You are not signed in here (any more). Sign in, then reload this page.",
    bad_key: () =>
      "This key is not known here, or was revoked. Its owner can make a new one on the account page.",
    key_scope: ({ scope }) =>
      `This key does not open that: it lacks the scope ${scope}. Make one that has it on the account page.`,
    not_admin: () => "Only an admin may do that.",
    wrong_password: () => "That name and password do not belong together.",
    too_many_attempts: ({ seconds }) => `Too many attempts. Try again ${after(seconds)}.`,
    proxy_untrusted: ({ address }) =>
      `A name came from ${address}, which is not a proxy that parlor believes. Start parlor with --trusted-proxy ${address} if it should be.`,
    person_removed: () => "This account may not come in any more. Ask whoever runs this house.",
    name_taken: ({ name }) => `Somebody is called ${name} already. Choose another name.`,
    bad_name: () => "A name has 1 to 64 characters.",
    bad_password: ({ least }) =>
      `A password has at least ${number(least)} characters, and at most 1,024 bytes.`,
    bad_address: ({ address }) =>
      `${address || "That"} is no address. It looks like http://192.168.0.5:8080.`,
    bad_limit: ({ name, least, most }) =>
      `${houseEn.limitNames[name as keyof typeof houseEn.limitNames]}: a number from ${number(least)} to ${whole(Number(most))}, or nothing for no limit.`,
    last_admin: () => "The house needs at least one admin. Make somebody else one first.",
    provider_failed: () =>
      "What the sign-in service answered can't be used. Whoever runs this house finds the reason in parlor's log.",
    provider_down: () => "The sign-in service does not answer right now. Try again in a few minutes.",
    provider_denied: () =>
      "The sign-in service did not let you in, or you went back. Try again, or ask whoever runs it whether your account may use parlor.",
    provider_lost: () =>
      "This sign-in began in another browser, was used already, or took longer than ten minutes. Begin again.",
    read_only: () => "Whoever follows a link can read, not write.",
    stopped: () => "Whoever runs this parlor has stopped it.",
    shutting_down: () => "parlor is being ended or restarted. Try again in a moment; your text is kept.",
    internal: () => "Something went wrong inside parlor. Try again; if it stays, look at parlor's log.",
  },
};

function whole(n: number): string {
  return n.toLocaleString("en");
}

function ordinal(n: number): string {
  const suffix = { one: "st", two: "nd", few: "rd" } as Record<string, string>;
  return `${n}${suffix[new Intl.PluralRules("en", { type: "ordinal" }).select(n)] ?? "th"}`;
}
