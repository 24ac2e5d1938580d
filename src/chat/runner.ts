// One Run from its Slot to its end: history → upstream → Deltas → the stored answer.
// Not who runs when (chat/scheduler) nor who watches (live/hub). A Failure ends here as the Run's outcome.

import { asFailure } from "../domain/failure.ts";
import type { RunStats } from "../domain/run.ts";
import type { Ending, UnfinishedRun } from "../store/store.ts";
import type { Log } from "../telemetry/log.ts";
import type { Metrics } from "../telemetry/metrics.ts";
import type { Deltas } from "../upstream/upstream.ts";
import type { LiveRun } from "./live-run.ts";
import { type Prompt, type PromptDependencies, promptOf } from "./prompt.ts";
import { Thoughts } from "./thoughts.ts";
import { entitle } from "./title.ts";

/** Why a Run is aborted from within: the status it ends with. */
export type Halt = "stopped" | "interrupted";

export interface RunnerDependencies extends PromptDependencies {
  readonly log: Log;
  readonly metrics: Metrics;
  /** Has the log hold what is said. */
  readonly logTexts: boolean;
  /** Whether the model may make a title now: in the same Slot, right behind the first answer, if nobody waits for it. */
  readonly mayWriteTitle: () => boolean;
  /** A Run is over, as the Store has it: what lists it is to be told. */
  readonly ended: (live: LiveRun) => void;
  /** A conversation has got another title. */
  readonly titled: (live: LiveRun) => void;
}

/**
 * Runs `live` to its end. Resolves when its Slot is free again (or when that could not be seen in time); never rejects.
 * `left` is given for a Run that the process before this one had started: its stream is taken up, if llama-server has it.
 */
export async function runOne(live: LiveRun, deps: RunnerDependencies, left?: UnfinishedRun): Promise<void> {
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
  const { prompt, ...outcome } = await attempt(live, deps, onToken, left);
  // one that reached its end has left its slot; any other is believed only when llama-server shows it
  const slotFreed = outcome.status === "done" || (await freed(live, deps));
  await close(
    live,
    { ...outcome, stats: { ...prompt?.stats, ...outcome.stats, ...measured }, slotFreed },
    deps,
  );
  if (live.isTapped || outcome.status !== "done" || !prompt?.isFirst || !deps.mayWriteTitle()) return;
  await entitle(live, prompt.request, deps).then(
    () => deps.titled(live),
    (error) => deps.log.info("no title was made", { run: live.run.id, why: asFailure(error).code }),
  );
}

async function freed(
  live: LiveRun,
  { upstream, log }: Pick<RunnerDependencies, "upstream" | "log">,
): Promise<boolean> {
  const isFreed = await upstream.freed(live.run.id);
  if (!isFreed) log.warn("slot still busy after the Run ended", { run: live.run.id });
  return isFreed;
}

interface Outcome extends Pick<Ending, "status" | "finish" | "failure" | "stats"> {
  /** What was sent; null when it did not come to that. */
  readonly prompt: Prompt | null;
}

async function attempt(
  live: LiveRun,
  deps: RunnerDependencies,
  onToken: (kind: "text" | "reasoning") => void,
  left?: UnfinishedRun,
): Promise<Outcome> {
  const { upstream } = deps;
  const grow = (kind: "text" | "reasoning") => (piece: string) => {
    onToken(kind);
    live.grow(kind, piece);
  };
  let thoughts: Thoughts | undefined;
  const told = { text: grow("text"), reasoning: grow("reasoning") };
  const deltas: Deltas = {
    text(piece) {
      thoughts ??= new Thoughts(live.text === "", told);
      thoughts.add(piece);
    },
    reasoning: told.reasoning,
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
    if (!left && !(await live.store.start(live.run.id))) return ended("interrupted");
    const fromBytes = left ? live.adopt(left) : 0;
    live.started();
    const { signal } = live.abort;
    if (!left) prompt = await promptOf(live, deps);
    const end = prompt
      ? await upstream.chat(
          { run: live.run.id, request: live.origin.request },
          prompt.request,
          deltas,
          signal,
        )
      : await upstream.resume(live.run.id, fromBytes, deltas, signal);
    const unended = thoughts?.end(end.finish !== "length");
    if (unended) takeBack(live, unended);
    return { ...ended("done"), finish: end.finish, stats: end.stats };
  } catch (error) {
    thoughts?.end(false);
    if (live.abort.signal.aborted) return ended(live.abort.signal.reason as Halt);
    if (left) {
      // llama-server does not have it any more: what the last checkpoint kept is what there is
      live.restore(left.draft, left.draftReasoning);
      deps.log.info("Run could not be taken up", { run: live.run.id, why: asFailure(error).code });
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

/** What was told as thoughts was the answer: the closing event says so. */
function takeBack(live: LiveRun, text: string): void {
  live.reasoning = live.answer.reasoning;
  live.text = text;
  live.origin.tap?.text(text);
}

/** Stores the end of a Run and tells everybody; the page is told even when the store can't be written. */
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
    endLater(end, log);
  }
  ended(live);
  metrics.ended(status, { ...stats, tokens: ending.tokens });
  report(live, ending, deps);
}

/** Between two attempts at storing an end that could not be stored, in ms. */
const endAgainMs = 1_000;

/** Tries until it is stored: until then the conversation counts as busy. A process that ends before leaves it to the next one. */
function endLater(end: () => Promise<unknown>, log: Log): void {
  const timer = setTimeout(() => {
    end().then(
      () => log.info("the end of a Run is stored after all"),
      () => endLater(end, log),
    );
  }, endAgainMs);
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
  // only numbers: what llama-server says of an error may quote what people wrote
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
