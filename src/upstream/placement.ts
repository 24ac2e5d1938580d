// Assigns a request to one of several llama-servers: at once if the choice of upstream/route has a free slot,
// after a wait if the choice is worth waiting for, and to another server once it no longer is.

import type { PoolMember } from "./member.ts";
import { type Candidate, route, speedsOf, startMs, tokensOf } from "./route.ts";

export interface Placed {
  readonly model: string | null;
  /** The parts of the prompt, for upstream/route. */
  readonly parts: readonly string[];
  readonly signal: AbortSignal;
}

/** A Slot that has no llama-server yet. */
interface UnplacedSlot {
  readonly model: string | null;
  /** How many slots of one llama-server it will hold. */
  readonly count: number;
}

export class Placement {
  readonly #waiting = new Set<() => void>();
  readonly unplaced = new Set<UnplacedSlot>();

  /** Slots without a llama-server that a request for this model could use otherwise. */
  reserved(model: string | null): number {
    const matching = this.unplaced
      .values()
      .filter((other) => other.model === model || other.model === null || model === null);
    return matching.reduce((sum, { count }) => sum + count, 0);
  }

  /** A slot may be free, or a server was added or removed: all waiting requests look again. */
  changed(): void {
    for (const look of [...this.#waiting]) look();
  }

  /**
   * Waits for the server of a request.
   * @param members the servers to choose from; called again after each change
   * @param hold takes a slot of the chosen server, before any other request is placed
   * @returns what `hold` returns; null when there are no servers
   * @throws the signal's reason when it is aborted
   */
  async of<T>(
    { model, parts, signal, count }: Placed & Pick<UnplacedSlot, "count">,
    members: () => readonly PoolMember[],
    hold: (member: PoolMember) => T,
  ): Promise<T | null> {
    const promptTokens = tokensOf(parts);
    let patientUntil: number | null = null;
    for (;;) {
      if (signal.aborted) throw signal.reason;
      const able = members();
      const speeds = speedsOf(able.map(({ readsPerSecond }) => readsPerSecond));
      const candidates = able.map(
        (member, i): Candidate => ({
          ...member.candidate(model, parts, count),
          readsPerSecond: speeds[i] as number,
        }),
      );
      const best = route(candidates, promptTokens);
      if (best < 0) return null;
      const known = candidates[best] as Candidate;
      if (known.free > 0) return hold(able[best] as PoolMember);
      const other = route(
        candidates.map((each) => (each.free > 0 ? each : { ...each, waitMs: Number.POSITIVE_INFINITY })),
        promptTokens,
      );
      const free = candidates[other] as Candidate;
      if (free.free > 0) {
        // wait for the best server only as long as the free one would need more time to read the prompt
        patientUntil ??=
          performance.now() + startMs(free, promptTokens) - startMs({ ...known, waitMs: 0 }, promptTokens);
        if (performance.now() >= patientUntil) return hold(able[other] as PoolMember);
      }
      await this.#change(signal, free.free > 0 ? patientUntil : null);
    }
  }

  /** Resolves at the next change, at the time `until`, or when the signal is aborted. */
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
