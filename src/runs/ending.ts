// The end of a Run: stored, published, counted and logged. What made it end is known in runs/runner.

import { withParts } from "../domain/conversation.ts";
import { asFailure } from "../domain/failure.ts";
import type { ConversationId } from "../domain/id.ts";
import { plainText } from "../domain/part.ts";
import type { Run, RunStats } from "../domain/run.ts";
import type { Utterance } from "../domain/thread.ts";
import type { Ending } from "../store/store.ts";
import type { Log } from "../telemetry/log.ts";
import type { Metrics } from "../telemetry/metrics.ts";
import type { LiveRun } from "./live-run.ts";

export interface EndingDependencies {
  /** True once the Runs are left to another process, which stores and publishes their ends. */
  readonly hasLeft: () => boolean;
  readonly log: Log;
  readonly metrics: Metrics;
  /** Write the text of messages to the log. */
  readonly logTexts: boolean;
  /** Told of each end that was stored; nobody waits for what it does. */
  readonly onEnd?: ((ended: Utterance & { readonly run: Run }) => void) | undefined;
  /** Ends that could not be stored yet: pages show them nevertheless. A conversation has one Run at a time. */
  readonly unstored: Map<ConversationId, Utterance & { readonly run: Run }>;
}

/** Stores the end of a Run and publishes it. It is published even if it could not be stored. */
export async function endRun(
  live: LiveRun,
  outcome: Omit<Ending, "parts" | "tokens">,
  deps: EndingDependencies,
): Promise<void> {
  const { log, metrics, unstored } = deps;
  if (deps.hasLeft()) return;
  const ending: Ending = {
    ...outcome,
    parts: live.written.parts,
    tokens: live.tokens.sumWith(outcome.stats),
  };
  const end = () => live.store.end(live.run.id, ending);
  const { status, finish, failure, stats, slotFreed } = ending;
  const message = withParts(live.answer, live.written.parts);
  const shown = {
    message,
    run: { ...live.run, status, finish, failure, stats, slotFreed },
    siblings: [message.id],
  };
  try {
    const stored = await end();
    live.ended(stored ?? shown);
    if (stored) deps.onEnd?.(stored);
  } catch (error) {
    log.error("the end of a Run could not be stored", { run: live.run.id, error: String(error) });
    unstored.set(live.run.conversation, shown);
    live.ended(shown);
    retryEnd(async () => {
      await end();
      unstored.delete(live.run.conversation);
      live.storedLate();
    }, log);
  }
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
  { log, logTexts }: Pick<EndingDependencies, "log" | "logTexts">,
): void {
  const { status, finish, failure } = ending;
  const stats: Omit<RunStats, "bySense"> = ending.stats;
  const facts = {
    run: live.run.id,
    request: live.origin.request,
    person: live.run.owner,
    conversation: live.run.conversation,
    status,
    finish,
    ...stats,
    slotFreed: ending.slotFreed,
    ...(logTexts && { text: plainText(ending.parts) }),
  };
  // numbers only: an error message of llama-server may quote the text of messages
  const numbers = Object.fromEntries(
    Object.entries(failure?.facts ?? {}).filter(([, value]) => typeof value === "number"),
  );
  if (failure) log.warn("Run failed", { ...numbers, ...facts, code: failure.code });
  else log.info("Run ended", facts);
}

/** What a page says of an error that ended a Run. An unexpected one is written to the log. */
export function failureOf(error: unknown, live: LiveRun, log: Log): Ending["failure"] {
  const failure = asFailure(error);
  if (failure.code === "internal")
    log.error("a bug ended a Run", {
      run: live.run.id,
      error: String(error),
      stack: error instanceof Error ? error.stack : undefined,
    });
  return failure.report;
}
