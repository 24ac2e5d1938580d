// The second half of the table of options: the bounds of queues, buffers, time-outs and retries. The first
// half is in config/options.ts.

import { type Bound, documentBounds } from "./document-bounds.ts";

const minute = 60_000;

/**
 * Every queue, buffer, time-out and retry has a bound here, with the unit in its name. Each can be set like
 * an option.
 */
export const bounds = {
  stallMs: {
    default: 2 * minute,
    min: 100,
    max: 60 * minute,
    doc: "longest silence of llama-server during an answer; its pings, every 30 s, end a silence",
  },
  stopMs: {
    default: 5_000,
    min: 0,
    max: minute,
    doc: "how long a stopped answer's slot is watched until llama-server shows it idle",
  },
  graceMs: {
    default: 5_000,
    min: 0,
    max: 10 * minute,
    doc: "how long running answers may go on after SIGTERM",
  },
  leaseMs: {
    default: 3_000,
    min: 500,
    max: minute,
    doc: "of several parlors on one --db, another one leads when the leader was silent for this long",
  },
  foldMs: {
    default: 40,
    min: 0,
    max: 1_000,
    doc:
      "tokens that come faster than a browser draws (60 a second) are sent to the page together, once in " +
      "this time; in long answers it grows to 2.5 times this",
  },
  checkpointEveryMs: {
    default: 200,
    min: 10,
    max: minute,
    doc: "how often an answer is saved while it streams: this much of it is lost if parlor is killed",
  },
  pageMaxMessages: {
    default: 50,
    min: 2,
    max: 10_000,
    doc: "messages of a long conversation that a page shows at first, and that it loads at a time",
  },
  answerTokens: {
    default: 1024,
    min: 1,
    max: 1_000_000,
    doc:
      "room in the context that is reserved for an answer, in tokens, unless the persona sets a maximum; " +
      "at most a quarter of the context",
  },
  temporaryMs: {
    default: 60 * minute,
    min: 1_000,
    max: 7 * 24 * 60 * minute,
    doc: "a temporary chat is deleted when no page has shown it for this long",
  },
  slotsMax: {
    default: 200,
    min: 1,
    max: 1_000,
    doc:
      "most answers at once, even if llama-server has more slots; more than 200 need " +
      "BUN_CONFIG_MAX_HTTP_REQUESTS in the environment",
  },
  yieldMs: {
    default: 5 * minute,
    min: 0,
    max: 60 * minute,
    doc: "how long a queued question that no page shows gives way to questions that a page shows",
  },
  sessionMs: {
    default: 30 * 24 * 60 * minute,
    min: minute,
    max: 400 * 24 * 60 * minute,
    doc: "a browser that was not used for this long must sign in again",
  },
  queueMaxRuns: { default: 200, min: 1, max: 100_000, doc: "most questions in the queue" },
  messageMaxBytes: { default: 256 * 1024, min: 1, max: 16 << 20, doc: "longest message, in UTF-8" },
  fileMaxBytes: {
    default: 32 << 20,
    min: 1024,
    max: 1 << 30,
    doc: "largest file that may be attached; without scripts, all files of a question together",
  },
  filesMaxBytes: {
    default: 1 << 30,
    min: 1024,
    max: 2 ** 50,
    doc: "all files that one person has attached together",
  },
  messageFilesMax: { default: 10, min: 1, max: 1_000, doc: "files of one question" },
  unsentMs: {
    default: 24 * 60 * minute,
    min: 1_000,
    max: 400 * 24 * 60 * minute,
    doc: "an attached file that belongs to no message is deleted after this time",
  },
  programMaxBytes: {
    default: 64 << 20,
    min: 1024,
    max: 1 << 30,
    doc: "largest request of a program at /v1, including its pictures",
  },
  bodiesMaxBytes: {
    default: 256 << 20,
    min: 1 << 20,
    max: 64 * 2 ** 30,
    doc:
      "bodies of all requests in memory at once, including those of programs that wait; one person's may " +
      "take half of it",
  },
  bodyMs: {
    default: 30_000,
    min: 100,
    max: 60 * minute,
    doc: "how long a request's body may take to arrive; a large one gets more time (12.5 kB a second)",
  },
  importMaxBytes: {
    default: 100 << 20,
    min: 1024,
    max: 1 << 30,
    doc: "largest import: one file of conversations, or all files that are chosen together",
  },
  importUnpackedMaxBytes: {
    default: 512 << 20,
    min: 1024,
    max: 2 ** 32,
    doc: "largest unpacked content of a ZIP archive that is imported",
  },
  importTextMaxBytes: {
    default: 128 * 1024,
    min: 1024,
    max: 16 << 20,
    doc: "longest text of an imported message, in UTF-8; the rest of it is left out",
  },
  importMs: {
    default: 15 * minute,
    min: 1_000,
    max: 24 * 60 * minute,
    doc: "how long the import of one file may take",
  },
  ...documentBounds,
  socketsMaxPerAddress: { default: 512, min: 1, max: 100_000, doc: "open sockets from one address" },
  commandsMax: { default: 8, min: 1, max: 1_000, doc: "most commands of one socket in progress at once" },
  outboxMaxBytes: {
    default: 1 << 20,
    min: 64 * 1024,
    max: 64 << 20,
    doc: "text that may wait for a program that reads slowly; for a page, at most one frame waits",
  },
  programSlowMs: {
    default: minute,
    min: 100,
    max: 60 * minute,
    doc: "a program that reads nothing of its answer for this long is disconnected",
  },
  heartbeatMs: {
    default: 15_000,
    min: 100,
    max: 5 * minute,
    doc: "time between two heartbeats to each page; a page that is silent for three of them is disconnected",
  },
  pollMs: {
    default: 500,
    min: 20,
    max: minute,
    doc: "time between two checks of a llama-server that is not ready",
  },
  pollReadyMs: {
    default: 2_000,
    min: 20,
    max: minute,
    doc: "time between two checks of a llama-server that is ready",
  },
  probeMs: { default: 2_000, min: 20, max: minute, doc: "how long one such check may take" },
  lineMaxBytes: { default: 4 << 20, min: 1024, max: 256 << 20, doc: "longest line of llama-server's stream" },
  answerMaxChars: {
    default: 8 << 20,
    min: 1024,
    max: 64 << 20,
    doc:
      "longest answer, in characters; a longer one is ended (a context of 1 000 000 tokens holds about " +
      "4 000 000)",
  },
  restartMs: {
    default: 500,
    min: 10,
    max: minute,
    doc: "first pause before a llama-server that parlor started is started again; each next pause is twice as long",
  },
  restartMaxMs: {
    default: 30_000,
    min: 10,
    max: 10 * minute,
    doc: "longest pause before a llama-server is started again",
  },
} as const satisfies Record<string, Bound>;

export type Bounds = { readonly [name in keyof typeof bounds]: number };
