// Runs one Run from its slot to its end: a bounded loop of steps (runs/steps), then the stored answer. A
// Failure becomes the outcome of the Run. When a Run starts is decided in runs/scheduler, how its end is
// stored is in runs/ending, who watches it is known in live/.

import { asFailure } from "../domain/failure.ts";
import type { PartKind } from "../domain/part.ts";
import type { Ending, UnfinishedRun } from "../store/store.ts";
import type { Slot, Upstream } from "../upstream/upstream.ts";
import { type EndingDependencies, endRun, failureOf } from "./ending.ts";
import type { LiveRun } from "./live-run.ts";
import { type Prompt, type PromptDependencies, settingsOf } from "./prompt.ts";
import { answer, type StepEnd } from "./steps/answer.ts";
import { type RetrieveDependencies, retrieve } from "./steps/retrieve.ts";
import { Stopwatch } from "./stopwatch.ts";
import { writeTitle } from "./title.ts";

/** Why parlor aborts a Run; also the status that the Run ends with. */
export type Halt = "stopped" | "interrupted";

/** Most steps of one Run: ten rounds of an answer and what it asks for, and a last answer. */
const stepsMax = 21;

export interface RunnerDependencies extends PromptDependencies, RetrieveDependencies, EndingDependencies {
  readonly upstream: Upstream;
  /** True if the Run goes on with another step after one that ended so. */
  goesOn(live: LiveRun, end: StepEnd): boolean;
  /** True if the model may write a title now: after the first answer, while nobody waits for its slot. */
  readonly mayWriteTitle: () => boolean;
}

/**
 * Runs `live` to its end in this Slot, and releases it. Resolves when llama-server shows the slot idle, or
 * when that could not be seen in time; never rejects. `unfinished` is given for a Run that the previous
 * process had started: its last step continues from llama-server's stream, if llama-server still has it.
 */
export async function runOne(
  live: LiveRun,
  slot: Slot,
  deps: RunnerDependencies,
  unfinished?: UnfinishedRun,
): Promise<void> {
  const stopwatch = new Stopwatch(live, deps.metrics);
  try {
    const { prompt, ...outcome } = await attempt(live, slot, deps, stopwatch, unfinished);
    // a complete answer may be followed by a title; after any other end, llama-server must show the slot idle
    const slotFreed = outcome.status === "done" || (await slot.release());
    if (!slotFreed) deps.log.warn("slot still busy after the Run ended", { run: live.run.id });
    const stats = { ...prompt?.stats, ...outcome.stats, ...stopwatch.stats };
    await endRun(live, { ...outcome, stats, slotFreed }, deps);
    if (live.isTapped || outcome.status !== "done" || !prompt?.isFirst || !deps.mayWriteTitle()) return;
    await writeTitle(live, slot, prompt.request).then(
      () => live.titled(),
      (error) => deps.log.info("no title was written", { run: live.run.id, why: asFailure(error).code }),
    );
  } finally {
    await slot.release();
  }
}

interface Outcome extends Pick<Ending, "status" | "finish" | "failure" | "stats"> {
  /** The first prompt that was sent; null if none was. */
  readonly prompt: Prompt | null;
}

async function attempt(
  live: LiveRun,
  slot: Slot,
  deps: RunnerDependencies,
  stopwatch: Stopwatch,
  unfinished?: UnfinishedRun,
): Promise<Outcome> {
  let prompt: Prompt | null = null;
  const ended = (status: Ending["status"]): Outcome => ({
    ...{ status, finish: null, failure: null, stats: {}, prompt },
  });
  const onToken = (kind: PartKind) => stopwatch.heard(kind);
  const onPrompt = (sent: Prompt) => {
    prompt ??= sent;
  };
  try {
    const begun = unfinished ? null : await begin(live, deps);
    if (begun?.isStarted === false) return ended("interrupted");
    const effective = begun?.effective;
    const ownAnswer = effective && (await retrieve(live, effective, deps));
    let fromBytes = unfinished ? live.written.adopt(unfinished.draft) : null;
    live.started();
    if (ownAnswer) {
      live.grow("text", ownAnswer);
      return { ...ended("done"), finish: "stop", stats: { nothingFound: true } };
    }
    const options = { ...deps, effective, onToken, onPrompt };
    for (;;) {
      const end = await answer(live, slot, options, fromBytes).catch((error: unknown) =>
        // what went before a later step is stored: one of which nothing is left is done anew
        unfinished && fromBytes === 0 && live.written.isUnbegun && !live.abort.signal.aborted
          ? answer(live.begunAnew(), slot, options, null)
          : Promise.reject(error),
      );
      if (live.written.step + 1 >= stepsMax || !deps.goesOn(live, end)) return { ...ended("done"), ...end };
      await live.nextStep(end.stats);
      fromBytes = null;
    }
  } catch (error) {
    if (live.abort.signal.aborted) return ended(live.abort.signal.reason as Halt);
    if (unfinished && live.written.step === unfinished.draft.step) {
      // llama-server no longer has the stream: the text of the last checkpoint is all there is
      live.written.restore(unfinished.draft);
      deps.log.info("Run could not be continued", { run: live.run.id, why: asFailure(error).code });
      return ended("interrupted");
    }
    return { ...ended("failed"), failure: failureOf(error, live, deps.log) };
  }
}

/** All that a Run needs of the Store at its start, at once: a database may be far away. */
async function begin(live: LiveRun, deps: RunnerDependencies) {
  const [isStarted, effective] = await Promise.all([
    live.store.start(live.run.id),
    settingsOf(live, deps),
    live.history(),
  ]);
  return { isStarted, effective };
}

/** Aborts the request of a running Run; it ends with `halt`. */
export function halt(live: LiveRun, reason: Halt): void {
  live.abort.abort(reason);
}
