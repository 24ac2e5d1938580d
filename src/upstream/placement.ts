// Gives a request to one of several llama-servers: at once where upstream/route's choice has a slot free,
// after a while where that is worth waiting for, and to another when it no longer is.

import type { RunId } from "../domain/id.ts";
import type { PoolMember } from "./member.ts";
import { type Candidate, route, speedsOf, startMs, tokensOf } from "./route.ts";

export interface Placed {
  readonly model: string | null;
  /** That it takes at once; absent for one. */
  readonly slots?: number;
  /** Of its prompt: see upstream/route. */
  readonly parts: readonly string[];
  readonly signal: AbortSignal;
}

export class Placement {
  readonly #waiting = new Set<() => void>();
  /** Slots that were given and have not been asked for yet, and the model that will be. */
  readonly #reserved = new Map<RunId, { readonly model: string | null; readonly slots: number }>();

  /** See `Upstream.reserve`. */
  reserve(run: RunId, model: string | null, slots = 1): void {
    this.#reserved.set(run, { model, slots });
  }

  release(run: RunId): void {
    this.#reserved.delete(run);
  }

  /** Of the slots that seem free for a model, so many are not. */
  reserved(model: string | null): number {
    const those = this.#reserved
      .values()
      .filter((other) => other.model === model || other.model === null || model === null);
    return those.reduce((sum, { slots }) => sum + slots, 0);
  }

  /** A slot may have become free, or somebody have come or gone: whoever waits looks again. */
  changed(): void {
    for (const look of [...this.#waiting]) look();
  }

  /** Who is asked, of those that `members` names whenever it is called; null where it names nobody. Rejects with the signal's reason when it is aborted. */
  async of(
    { model, parts, slots, signal }: Placed,
    members: () => readonly PoolMember[],
  ): Promise<PoolMember | null> {
    const promptTokens = tokensOf(parts);
    let patientUntil: number | null = null;
    for (;;) {
      if (signal.aborted) throw signal.reason;
      const able = members();
      const speeds = speedsOf(able.map(({ readsPerSecond }) => readsPerSecond));
      const candidates = able.map(
        (member, i): Candidate => ({
          ...member.candidate(model, parts, slots),
          readsPerSecond: speeds[i] as number,
        }),
      );
      const best = route(candidates, promptTokens);
      if (best < 0) return null;
      const known = candidates[best] as Candidate;
      if (known.free > 0) return able[best] as PoolMember;
      const other = route(
        candidates.map((each) => (each.free > 0 ? each : { ...each, waitMs: Number.POSITIVE_INFINITY })),
        promptTokens,
      );
      const free = candidates[other] as Candidate;
      if (free.free > 0) {
        // waiting is worth what another would read longer, and no more, however long it takes in the end
        patientUntil ??=
          performance.now() + startMs(free, promptTokens) - startMs({ ...known, waitMs: 0 }, promptTokens);
        if (performance.now() >= patientUntil) return able[other] as PoolMember;
      }
      await this.#change(signal, free.free > 0 ? patientUntil : null);
    }
  }

  /** Resolves when something has changed, at `until`, or when the signal is aborted. */
  async #change(signal: AbortSignal, until: number | null): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const timer = until === null ? null : setTimeout(resolve, Math.max(1, until - performance.now()));
    this.#waiting.add(resolve);
    const onAbort = () => resolve();
    signal.addEventListener("abort", onAbort, { once: true });
    await promise;
    signal.removeEventListener("abort", onAbort);
    this.#waiting.delete(resolve);
    if (timer) clearTimeout(timer);
  }
}
