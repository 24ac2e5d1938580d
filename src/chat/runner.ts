// One Run from its Slot to its end: history → upstream → Deltas → the stored answer.
// Not who runs when (chat/scheduler) nor who watches (live/hub). A Failure ends here as the Run's outcome.

import { asFailure, type Failure } from "../domain/failure.ts";
import type { RunStats } from "../domain/run.ts";
import type { Ending, Store } from "../store/store.ts";
import type { Log } from "../telemetry/log.ts";
import type { Upstream } from "../upstream/upstream.ts";
import type { LiveRun } from "./live-run.ts";

/** Why a Run is aborted from within: the status it ends with. */
export type Halt = "stopped" | "interrupted";

export interface RunnerParts {
  readonly store: Store;
  readonly upstream: Upstream;
  readonly log: Log;
  /** Runs of ours that hold a Slot, this one included. */
  running(): number;
}

/** Runs `live` to its end. Resolves when its Slot is free again (or when that could not be seen in time); never rejects. */
export async function runOne(live: LiveRun, parts: RunnerParts): Promise<void> {
  const startedAt = performance.now();
  const measured: { firstTokenMs?: number; queueMs: number } = { queueMs: Math.round(startedAt - live.queuedAt) };
  const outcome = await attempt(live, parts, () => {
    measured.firstTokenMs ??= Math.round(performance.now() - startedAt);
  });
  // a Run that reached its end has left its slot; any other is believed only when llama-server shows it
  const slotFreed = outcome.status === "done" || (await parts.upstream.freed(() => parts.running() - 1));
  if (!slotFreed) parts.log.warn("slot still busy after the Run ended", { run: live.run.id });
  await close(live, { ...outcome, stats: { ...outcome.stats, ...measured }, slotFreed }, parts);
}

type Outcome = Pick<Ending, "status" | "finish" | "failure" | "stats">;

async function attempt(live: LiveRun, { store, upstream, log }: RunnerParts, onToken: () => void): Promise<Outcome> {
  try {
    if (!(await store.start(live.run.id))) return { status: "interrupted", finish: null, failure: null, stats: {} };
    live.started();
    const history = await store.history(live.answer.id);
    const messages = history.filter(({ text }) => text !== "").map(({ role, text }) => ({ role, content: text }));
    const grow = (kind: "text" | "reasoning") => (piece: string) => {
      onToken();
      live.grow(kind, piece);
    };
    const end = await upstream.chat(
      messages,
      { text: grow("text"), reasoning: grow("reasoning"), prompt: (progress) => live.read(progress) },
      live.abort.signal,
    );
    return { status: "done", finish: end.finish, failure: null, stats: end.stats };
  } catch (error) {
    if (live.abort.signal.aborted) return { status: live.abort.signal.reason as Halt, finish: null, failure: null, stats: {} };
    const failure = asFailure(error);
    if (failure.code === "internal")
      log.error("a bug ended a Run", { run: live.run.id, error: String(error), stack: error instanceof Error ? error.stack : undefined });
    return { status: "failed", finish: null, failure: failure.report, stats: {} };
  }
}

/** Stores the end of a Run and tells everybody; the page is told even when the store can't be written. */
export async function close(live: LiveRun, outcome: Omit<Ending, "text" | "reasoning">, { store, log }: Pick<RunnerParts, "store" | "log">): Promise<void> {
  const ending: Ending = { ...outcome, text: live.text, reasoning: live.reasoning };
  let stored: Awaited<ReturnType<Store["end"]>> = null;
  try {
    stored = await store.end(live.run.id, ending);
  } catch (error) {
    log.error("the end of a Run could not be stored", { run: live.run.id, error: String(error) });
  }
  const message = stored?.message ?? { ...live.answer, text: live.text, reasoning: live.reasoning };
  const { status, finish, failure, stats, slotFreed } = ending;
  live.ended(message, stored?.run ?? { ...live.run, status, finish, failure, stats, slotFreed });
  report(live, ending, log);
}

function report(live: LiveRun, ending: Ending, log: Log): void {
  const { status, finish, failure } = ending;
  const stats: RunStats = ending.stats;
  const facts = { run: live.run.id, conversation: live.run.conversation, status, finish, ...stats, slotFreed: ending.slotFreed };
  if (failure) log.warn("Run failed", { ...facts, code: failure.code, ...failure.facts });
  else log.info("Run ended", facts);
}

/** Aborts the request of a running Run; it ends with `halt`. */
export function halt(live: LiveRun, reason: Halt | Failure): void {
  live.abort.abort(reason);
}
