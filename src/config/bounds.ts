// The second half of the table of options: the bounds of queues, buffers, time-outs and retries. The first
// half is in config/options.ts.

interface Bound {
  readonly default: number;
  readonly min: number;
  readonly max: number;
  readonly doc: string;
}

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
    doc: "longest silence of llama-server within an answer (its pings, every 30 s, are sound)",
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
  foldMs: {
    default: 40,
    min: 0,
    max: 1_000,
    doc:
      "tokens that come faster than a browser draws (60 a second) reach the page together, once in this " +
      "time; in long answers it grows to 2.5 times this",
  },
  checkpointEveryMs: {
    default: 200,
    min: 10,
    max: minute,
    doc: "at most this much of an answer is lost when parlor is killed",
  },
  pageMaxMessages: {
    default: 50,
    min: 2,
    max: 10_000,
    doc: "messages of a long conversation that a page holds at first, and gets more of at a time",
  },
  answerTokens: {
    default: 1024,
    min: 1,
    max: 1_000_000,
    doc:
      "room kept in the context for an answer, in tokens, where the persona names no longest one; at " +
      "most a quarter of it",
  },
  temporaryMs: {
    default: 60 * minute,
    min: 1_000,
    max: 7 * 24 * 60 * minute,
    doc: "a temporary chat that nobody looks at is forgotten after this time",
  },
  slotsMax: {
    default: 200,
    min: 1,
    max: 1_000,
    doc:
      "answers at once, where llama-server has more slots; above 200 only with " +
      "BUN_CONFIG_MAX_HTTP_REQUESTS in the environment",
  },
  yieldMs: {
    default: 5 * minute,
    min: 0,
    max: 60 * minute,
    doc: "how long a question in line that nobody sits before yields to those that somebody does",
  },
  sessionMs: {
    default: 30 * 24 * 60 * minute,
    min: minute,
    max: 400 * 24 * 60 * minute,
    doc: "a browser that was not here for so long must sign in again",
  },
  queueMaxRuns: { default: 200, min: 1, max: 100_000, doc: "questions that may wait at once" },
  messageMaxBytes: { default: 256 * 1024, min: 1, max: 16 << 20, doc: "longest message, in UTF-8" },
  programMaxBytes: {
    default: 64 << 20,
    min: 1024,
    max: 1 << 30,
    doc: "largest request of a program at /v1, with the pictures in it",
  },
  bodiesMaxBytes: {
    default: 256 << 20,
    min: 1 << 20,
    max: 64 * 2 ** 30,
    doc:
      "all requests' bodies that are in memory at once, those of programs that wait included; one " +
      "person's at most half of it",
  },
  bodyMs: {
    default: 30_000,
    min: 100,
    max: 60 * minute,
    doc: "how long a request's body may take; a large one that comes steadily gets more (12.5 kB a second)",
  },
  importMaxBytes: {
    default: 100 << 20,
    min: 1024,
    max: 1 << 30,
    doc: "largest file of conversations that is brought in, or all that are chosen together",
  },
  importUnpackedMaxBytes: {
    default: 512 << 20,
    min: 1024,
    max: 2 ** 32,
    doc: "largest size of what is in a ZIP archive, unpacked",
  },
  importTextMaxBytes: {
    default: 64 * 1024,
    min: 1024,
    max: 16 << 20,
    doc: "longest text of a message that is brought in, in UTF-8; the rest of it is left out",
  },
  importMs: {
    default: 15 * minute,
    min: 1_000,
    max: 24 * 60 * minute,
    doc: "how long one such file may take",
  },
  socketsMaxPerAddress: { default: 512, min: 1, max: 100_000, doc: "open sockets from one address" },
  commandsMax: { default: 8, min: 1, max: 1_000, doc: "commands of one socket under way at once" },
  outboxMaxBytes: {
    default: 1 << 20,
    min: 64 * 1024,
    max: 64 << 20,
    doc: "text that may wait for one program that reads slowly; a page has at most one frame waiting",
  },
  programSlowMs: {
    default: minute,
    min: 100,
    max: 60 * minute,
    doc: "a program that takes nothing of its answer for this long is let go",
  },
  heartbeatMs: {
    default: 15_000,
    min: 100,
    max: 5 * minute,
    doc: "between two signs of life to every page; one that is silent for three is closed",
  },
  pollMs: {
    default: 500,
    min: 20,
    max: minute,
    doc: "between two looks at a llama-server that is not ready",
  },
  pollReadyMs: {
    default: 2_000,
    min: 20,
    max: minute,
    doc: "between two looks at a llama-server that is ready",
  },
  probeMs: { default: 2_000, min: 20, max: minute, doc: "how long one such look may take" },
  lineMaxBytes: { default: 4 << 20, min: 1024, max: 256 << 20, doc: "longest line of llama-server's stream" },
  answerMaxChars: {
    default: 8 << 20,
    min: 1024,
    max: 64 << 20,
    doc:
      "longest answer, in characters; one that grows beyond it is ended (a context of 1 000 000 tokens " +
      "holds about 4 000 000)",
  },
  restartMs: {
    default: 500,
    min: 10,
    max: minute,
    doc: "first pause before a llama-server of ours that died is started again; doubles",
  },
  restartMaxMs: { default: 30_000, min: 10, max: 10 * minute, doc: "longest such pause" },
} as const satisfies Record<string, Bound>;

export type Bounds = { readonly [name in keyof typeof bounds]: number };
