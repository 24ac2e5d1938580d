// The handover from one process to the next: the Runs that the previous process left unfinished go on, and
// those of this process end in order.

import { isTemporary } from "../domain/id.ts";
import type { Store } from "../store/store.ts";
import type { Upstream } from "../upstream/upstream.ts";
import { sharerOf } from "./fair-share.ts";
import type { RunHost } from "./host.ts";
import { halt } from "./runner.ts";

/**
 * Continues with the shares, the wait statistics and the unfinished Runs of the previous process. A waiting
 * Run waits again. A running one continues from llama-server's stream, or ends as interrupted if
 * llama-server no longer has it.
 */
export async function takeOver(
  host: RunHost,
  { store, upstream }: { store: Pick<Store, "activeRuns" | "unfinishedRuns" | "people">; upstream: Upstream },
): Promise<void> {
  await host.queue.restore();
  const active = await store.activeRuns();
  for (const unfinished of await store.unfinishedRuns()) {
    const { run } = unfinished;
    const person = await store.people.person(run.owner); // null: the account is gone
    const sharer = person ? sharerOf(person) : { id: run.owner, weight: 1, runningMax: null };
    const live = host.add(unfinished, null, { sharer, request: "", tap: undefined, model: null });
    if (run.status === "queued") host.queue.requeue(live);
    else {
      host.queue.adopt(live);
      host.resume(live, upstream.adopt(), unfinished);
    }
    // before the rest of its stream is read: somebody has stopped it while no process could
    if (active.some(({ id, isStopWished }) => isStopWished && id === run.id)) host.stop({ id: run.id });
  }
}

/**
 * Leaves all Runs to the next process, which goes on with them at once: waiting ones, and running ones from
 * llama-server's stream. Only those that somebody reads through this process get `graceMs`: the Runs and API
 * requests of programs, and temporary conversations, which end with it.
 */
export async function leaveToNext(host: RunHost, graceMs: number): Promise<void> {
  const { queue, inProgress } = host;
  beginNoMore(host);
  const bound = () =>
    inProgress
      .values()
      .some(({ isTapped, over, run }) => !over && (isTapped || isTemporary(run.conversation)));
  const until = performance.now() + graceMs;
  const boundOver = async () => {
    while (bound() && performance.now() < until) await Bun.sleep(50);
  };
  await Promise.all([boundOver(), queue.apiRequests.close(graceMs)]);
  await host.leave();
}

/**
 * Lets no new Runs begin. Running ones get `graceMs` and are interrupted after that. Waiting ones stay in the
 * Store for the next process, but for those of programs, whose sockets close with this process.
 */
export async function handOver(host: RunHost, graceMs: number): Promise<void> {
  const { queue, inProgress } = host;
  beginNoMore(host);
  await Promise.all([inProgress.over(graceMs), queue.apiRequests.close(graceMs)]);
  for (const live of inProgress.values()) if (!queue.isWaiting(live)) halt(live, "interrupted");
  while (inProgress.begun > 0) await inProgress.over();
}

/** Lets no new Runs begin. Titles are given up, and what programs have in the queue. */
function beginNoMore(host: RunHost): void {
  const { queue, inProgress } = host;
  queue.close();
  for (const live of inProgress.values())
    if (live.over) halt(live, "interrupted");
    else if (live.isTapped && queue.leave(live)) host.endUnstarted(live, "interrupted");
}
