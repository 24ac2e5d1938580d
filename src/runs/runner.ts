// Runs one Run from its slot to its end: history → llama-server → Deltas → stored answer. A Failure becomes
// the outcome of the Run. When a Run starts is decided in runs/scheduler, who watches it is known in
// live/hub.

import { asFailure } from "../domain/failure.ts";
import type { RunStats } from "../domain/run.ts";
import type { Ending, UnfinishedRun } from "../store/store.ts";
import type { Log } from "../telemetry/log.ts";
import type { Metrics } from "../telemetry/metrics.ts";
import type { Deltas, Slot } from "../upstream/upstream.ts";
import type { LiveRun } from "./live-run.ts";
import { type Prompt, type PromptDependencies, promptOf } from "./prompt.ts";
import { Thoughts } from "./thoughts.ts";
import { writeTitle } from "./title.ts";

/** Why parlor aborts a Run; also the status that the Run ends with. */
export type Halt = "stopped" | "interrupted";

export interface RunnerDependencies extends PromptDependencies {
  readonly log: Log;
  readonly metrics: Metrics;
  /** Write the text of messages to the log. */
  readonly logTexts: boolean;
  /**
   * True if the model may write a title now: right after the first answer, in the same slot, while nobody
   * waits.
   */
  readonly mayWriteTitle: () => boolean;
  /** Called when the end of a Run is published. */
  readonly ended: (live: LiveRun) => void;
  /** Called when a conversation has a new title. */
  readonly titled: (live: LiveRun) => void;
}

/**
 * Runs `live` to its end in this Slot, and releases it. Resolves when llama-server shows the slot idle, or
 * when that could not be seen in time; never rejects. `unfinished` is given for a Run that the previous
 * process had started: it continues from llama-server's stream, if llama-server still has it.
 */
export async function runOne(
  live: LiveRun,
  slot: Slot,
  deps: RunnerDependencies,
  unfinished?: UnfinishedRun,
): Promise<void> {
  const startedAt = performance.now();
  const measured: { firstTokenMs?: number; queueMs: number; thinkingMs?: number } = {
    queueMs: Math.round(startedAt - live.queuedAt),
  };
  let lastAt = 0;
  const onToken = (kind: "text" | "reasoning") => {
    const now = performance.now();
    if (lastAt > 0) deps.metrics.gap(now - lastAt);
    lastAt = now;
    measured.firstTokenMs ??= Math.round(performance.now() - startedAt);
    if (kind === "text" && live.thinkingSince !== null)
      measured.thinkingMs ??= Date.now() - live.thinkingSince;
  };
  try {
    const { prompt, ...outcome } = await attempt(live, slot, deps, onToken, unfinished);
    // a complete answer may be followed by a title; after any other end, llama-server must show the slot idle
    const slotFreed = outcome.status === "done" || (await slot.release());
    if (!slotFreed) deps.log.warn("slot still busy after the Run ended", { run: live.run.id });
    const stats = { ...prompt?.stats, ...outcome.stats, ...measured };
    await close(live, { ...outcome, stats, slotFreed }, deps);
    if (live.isTapped || outcome.status !== "done" || !prompt?.isFirst || !deps.mayWriteTitle()) return;
    await writeTitle(live, slot, prompt.request).then(
      () => deps.titled(live),
      (error) => deps.log.info("no title was written", { run: live.run.id, why: asFailure(error).code }),
    );
  } finally {
    await slot.release();
  }
}

interface Outcome extends Pick<Ending, "status" | "finish" | "failure" | "stats"> {
  /** The prompt that was sent; null if none was. */
  readonly prompt: Prompt | null;
}

async function attempt(
  live: LiveRun,
  slot: Slot,
  deps: RunnerDependencies,
  onToken: (kind: "text" | "reasoning") => void,
  unfinished?: UnfinishedRun,
): Promise<Outcome> {
  const grow = (kind: "text" | "reasoning") => (piece: string) => {
    onToken(kind);
    live.grow(kind, piece);
  };
  let thoughts: Thoughts | undefined;
  const outlets = { text: grow("text"), reasoning: grow("reasoning") };
  const deltas: Deltas = {
    text(piece) {
      thoughts ??= new Thoughts(live.text === "", outlets);
      thoughts.add(piece);
    },
    reasoning: outlets.reasoning,
    prompt: (progress) => live.read(progress),
    streamed(bytes) {
      live.streamBytes = bytes;
    },
  };
  let prompt: Prompt | null = null;
  const ended = (status: Ending["status"]): Outcome => ({
    status,
    finish: null,
    failure: null,
    stats: {},
    prompt,
  });
  try {
    if (!unfinished && !(await live.store.start(live.run.id))) return ended("interrupted");
    const fromBytes = unfinished ? live.adopt(unfinished) : 0;
    live.started();
    const { signal } = live.abort;
    if (!unfinished) prompt = await promptOf(live, deps);
    const end = prompt
      ? await slot.chat({ run: live.run.id, request: live.origin.request }, prompt.request, deltas, signal)
      : await slot.resume(live.run.id, fromBytes, deltas, signal);
    const unclosed = thoughts?.end(end.finish !== "length");
    if (unclosed) thoughtsToAnswer(live, unclosed);
    return { ...ended("done"), finish: end.finish, stats: end.stats };
  } catch (error) {
    thoughts?.end(false);
    if (live.abort.signal.aborted) return ended(live.abort.signal.reason as Halt);
    if (unfinished) {
      // llama-server no longer has the stream: the text of the last checkpoint is all there is
      live.restore(unfinished.draft, unfinished.draftReasoning);
      deps.log.info("Run could not be continued", { run: live.run.id, why: asFailure(error).code });
      return ended("interrupted");
    }
    const failure = asFailure(error);
    if (failure.code === "internal")
      deps.log.error("a bug ended a Run", {
        run: live.run.id,
        error: String(error),
        stack: error instanceof Error ? error.stack : undefined,
      });
    return { ...ended("failed"), failure: failure.report };
  }
}

/** Turns thoughts whose end never came into the answer. Pages learn of it by the last event. */
function thoughtsToAnswer(live: LiveRun, text: string): void {
  live.reasoning = live.answer.reasoning;
  live.text = text;
  live.origin.tap?.text(text);
}

/** Stores the end of a Run and publishes it. It is published even if it could not be stored. */
export async function close(
  live: LiveRun,
  outcome: Omit<Ending, "text" | "reasoning" | "tokens">,
  deps: Pick<RunnerDependencies, "log" | "logTexts" | "metrics" | "ended">,
): Promise<void> {
  const { log, metrics, ended } = deps;
  const ending: Ending = {
    ...outcome,
    text: live.text,
    reasoning: live.reasoning,
    tokens: live.tokensOf(outcome.stats),
  };
  const end = () => live.store.end(live.run.id, ending);
  const { status, finish, failure, stats, slotFreed } = ending;
  const message = { ...live.answer, text: live.text, reasoning: live.reasoning };
  const shown = {
    message,
    run: { ...live.run, status, finish, failure, stats, slotFreed },
    siblings: [message.id],
  };
  try {
    live.ended((await end()) ?? shown);
  } catch (error) {
    log.error("the end of a Run could not be stored", { run: live.run.id, error: String(error) });
    live.ended(shown);
    retryEnd(end, log);
  }
  ended(live);
  metrics.ended(status, { ...stats, tokens: ending.tokens });
  report(live, ending, deps);
}

/** Between two attempts to store the end of a Run, in ms. */
const endRetryMs = 1_000;

/**
 * Tries until the end is stored; until then the conversation counts as busy. The next process tries again.
 */
function retryEnd(end: () => Promise<unknown>, log: Log): void {
  const timer = setTimeout(() => {
    end().then(
      () => log.info("the end of a Run is stored after a retry"),
      () => retryEnd(end, log),
    );
  }, endRetryMs);
  timer.unref();
}

function report(
  live: LiveRun,
  ending: Ending,
  { log, logTexts }: Pick<RunnerDependencies, "log" | "logTexts">,
): void {
  const { status, finish, failure } = ending;
  const stats: RunStats = ending.stats;
  const facts = {
    run: live.run.id,
    request: live.origin.request,
    person: live.run.owner,
    conversation: live.run.conversation,
    status,
    finish,
    ...stats,
    slotFreed: ending.slotFreed,
    ...(logTexts && { text: ending.text }),
  };
  // numbers only: an error message of llama-server may quote the text of messages
  const numbers = Object.fromEntries(
    Object.entries(failure?.facts ?? {}).filter(([, value]) => typeof value === "number"),
  );
  if (failure) log.warn("Run failed", { ...numbers, ...facts, code: failure.code });
  else log.info("Run ended", facts);
}

/** Aborts the request of a running Run; it ends with `halt`. */
export function halt(live: LiveRun, reason: Halt): void {
  live.abort.abort(reason);
}
