// parlor's words in English. See views/words.

import { shortNumber } from "./numbers.ts";
import type { Words } from "./words.ts";

const number = (value: unknown) => shortNumber(Number(value), "en");

export const en: Words = {
  lang: "en",
  conversation: "Conversation",
  newChat: "New chat",
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
  delete: "Delete",
  edit: "Edit",
  askAnew: "Ask anew",
  previousBranch: "Previous version",
  nextBranch: "Next version",
  earlier: "Earlier messages …",
  you: "You",
  assistant: "Answer",
  thinking: "Thinking…",
  thought: "Thoughts",
  toEnd: "To the end",
  skip: "To the message field",
  hint: "Enter sends, Shift+Enter breaks the line",
  noScript: "This page needs JavaScript to send and to receive.",
  emptyTitle: "Good to see you.",
  emptyText: "What you ask here is answered by the language model on this machine. Nothing leaves the house.",
  connected: "Connected",
  reconnecting: "Not connected, trying again",
  upstreamLoading: "The model is starting",
  upstreamAbsent: "No model yet",
  answering: "Answering",
  answerEnd: { done: "Answer complete", stopped: "Answer stopped", failed: "The answer failed", interrupted: "Answer interrupted" },
  stopped: "Stopped",
  interrupted: "Interrupted: parlor was ended while this was being written",
  slotBusy: "llama-server still showed this answer's slot as busy when parlor stopped waiting for it",
  lengthLimit: "Ended at the length limit",
  waiting: ({ position, of }) => `Waiting: ${ordinal(position)} of ${of} in line`,
  starting: "One moment…",
  reading: (processed, total) => `Reading: ${number(processed)} of ${number(total)} tokens`,
  waitingFor: (url) => `Waiting for a llama-server at ${url}.`,
  tooLong: (limitBytes) => `This message is too long: at most ${number(limitBytes)} bytes can be sent. Shorten it or send it in parts.`,
  howToStart: "To start one:",
  goesOn: "This page goes on by itself as soon as it answers.",
  ownStarting: "llama-server is starting.",
  foreignLoading: "llama-server is loading its model.",
  stats: ({ outputTokens, tokensPerSecond, firstTokenMs }) => [
    ...(outputTokens === undefined ? [] : [`${number(outputTokens)} ${outputTokens === 1 ? "token" : "tokens"}`]),
    ...(tokensPerSecond === undefined ? [] : [`${number(tokensPerSecond)} tokens/s`]),
    ...(firstTokenMs === undefined ? [] : [`first after ${number(firstTokenMs / 1000)} s`]),
  ],
  failures: {
    upstream_absent: ({ url }) => `No llama-server answers at ${url}. Start it, then try again.`,
    upstream_loading: () => "llama-server is still loading its model. Try again in a moment.",
    upstream_unauthorized: () => "llama-server asks for an API key, or for another one. Start parlor with --llama-api-key.",
    upstream_refused: ({ status, detail }) => `llama-server refused the request (${status})${detail ? `: ${detail}` : "."}`,
    upstream_error: ({ status, detail }) =>
      `llama-server reported an error (${status})${detail ? `: ${detail}` : "."} Try again; if it stays, look at llama-server's log.`,
    upstream_cut: () => "The connection to llama-server broke in the middle of the answer. What had come is kept.",
    upstream_stalled: ({ seconds }) => `llama-server sent nothing for ${seconds} seconds, so parlor stopped waiting. What had come is kept.`,
    upstream_garbled: () => "What llama-server sent could not be understood. Is it really a llama-server at that address?",
    upstream_line_too_long: ({ limitBytes }) => `llama-server sent a line of more than ${number(limitBytes)} bytes without an end. What had come is kept.`,
    context_overflow: ({ promptTokens, contextTokens }) =>
      `This conversation has ${number(promptTokens)} tokens; the model can take ${number(contextTokens)}. Start a new chat, ask for less, or give llama-server a larger context (-c).`,
    message_empty: () => "There is nothing to send yet.",
    message_too_long: ({ bytes, limitBytes }) =>
      `This message has ${number(bytes)} bytes; at most ${number(limitBytes)} can be sent. Shorten it or send it in parts.`,
    conversation_busy: () => "An answer is still being written here. Wait for it or stop it; your text is kept.",
    queue_full: ({ waiting }) => `${number(waiting)} others are waiting already. Try again in a minute; your text is kept.`,
    not_found: () => "That is not here (any more).",
    bad_frame: () => "That message could not be understood. Reload the page and try again.",
    bad_request: ({ detail }) => `That request could not be understood${detail ? `: ${detail}` : "."}`,
    too_large: ({ limitBytes }) => `That is larger than ${number(limitBytes)} bytes.`,
    too_many_sockets: ({ limit }) => `There are ${number(limit)} open connections from this address already. Close some tabs.`,
    foreign_origin: ({ origin }) => `Pages of ${origin} may not talk to parlor. To allow it, start parlor with --allow-origin ${origin}.`,
    unknown_host: ({ host }) => `parlor does not know itself by the name ${host}. To allow it, start parlor with --allow-origin http://${host}.`,
    shutting_down: () => "parlor is being ended or restarted. Try again in a moment; your text is kept.",
    internal: () => "Something went wrong inside parlor. Try again; if it stays, look at parlor's log.",
  },
};

function ordinal(n: number): string {
  const suffix = { one: "st", two: "nd", few: "rd" } as Record<string, string>;
  return `${n}${suffix[new Intl.PluralRules("en", { type: "ordinal" }).select(n)] ?? "th"}`;
}
