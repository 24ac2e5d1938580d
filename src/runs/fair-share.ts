// Who is served next, fairly across people: deficit round robin with the smallest possible rounds, where
// the cost of a Run is known only while it runs. Each person has a count of used tokens, divided by their
// weight; the person with the lowest count goes first. Pure: no clock, no storage.

import type { Person } from "../domain/account.ts";
import type { PersonId, RunId } from "../domain/id.ts";

/** The part of a Person that matters to the queue. */
export interface Sharer {
  readonly id: PersonId;
  readonly weight: number;
  /** Most slots that the person's Runs may hold at once; null for all. */
  readonly runningMax: number | null;
}

export function sharerOf({ id, limits }: Person): Sharer {
  return { id, weight: limits.weight, runningMax: limits.runningRunsMax };
}

export interface Waiting {
  readonly run: RunId;
  readonly sharer: Sharer;
  /** When it was queued, in ms. */
  readonly since: number;
  /** True while a person watches it; unattended Runs yield to it for a bounded time. */
  readonly isAttended: boolean;
}

/** Expected cost of a Run until the first ones have ended, in tokens. */
const firstGuessTokens = 300;

/** Weight of the latest Run in the moving average of the cost. */
const costWeight = 0.1;

export class FairShare {
  /** Count of a new arrival: idle time earns no credit and costs nothing. */
  #floor = 0;
  readonly #had = new Map<PersonId, number>();
  readonly #changed = new Set<PersonId>();
  readonly #charged = new Map<RunId, { sharer: Sharer; tokens: number }>();
  #expectedTokens = firstGuessTokens;

  /** Average cost of a Run, in tokens. */
  get expectedTokens(): number {
    return this.#expectedTokens;
  }

  /** Continues with the counts of the previous process. */
  restore({ floor, had }: { floor: number; had: ReadonlyMap<PersonId, number> }): void {
    this.#floor = floor;
    for (const [person, tokens] of had) this.#had.set(person, tokens);
  }

  /** Weighted tokens that a person has used. */
  of(person: PersonId): number {
    return Math.max(this.#floor, this.#had.get(person) ?? 0);
  }

  /** A Run takes its slot and is charged the average cost in advance. */
  begin(run: RunId, sharer: Sharer): void {
    this.#floor = this.of(sharer.id);
    this.#charged.set(run, { sharer, tokens: this.#expectedTokens });
    this.#charge(sharer, this.#expectedTokens);
  }

  /** Charges what a running Run has used beyond its charge so far. */
  spent(run: RunId, tokens: number): void {
    const charged = this.#charged.get(run);
    if (!charged || tokens <= charged.tokens) return;
    this.#charge(charged.sharer, tokens - charged.tokens);
    charged.tokens = tokens;
  }

  /** Corrects the charge of a Run that is over to what it has used. */
  end(run: RunId, tokens: number): void {
    const charged = this.#charged.get(run);
    if (!charged) return;
    this.#charged.delete(run);
    this.#charge(charged.sharer, tokens - charged.tokens);
    if (tokens > 0) this.#expectedTokens += (tokens - this.#expectedTokens) * costWeight;
  }

  /**
   * Resets all counts. To be called when nobody waits: the usage until then has delayed nobody.
   * `spentTokens` says what a running Run has used so far.
   */
  reset(spentTokens: (run: RunId) => number): void {
    for (const had of this.#had.values()) this.#floor = Math.max(this.#floor, had);
    this.#had.clear();
    this.#changed.clear();
    for (const [run, charged] of this.#charged) {
      charged.tokens = spentTokens(run) + this.#expectedTokens;
      this.#charge(charged.sharer, this.#expectedTokens);
    }
  }

  /** The counts that have changed since the last call. */
  changes(): { floor: number; had: Map<PersonId, number> } {
    const had = new Map([...this.#changed].map((person) => [person, this.of(person)]));
    this.#changed.clear();
    return { floor: this.#floor, had };
  }

  /**
   * The queue in the order in which it will be served if nothing changes. Attended Runs, and those that
   * have waited since `yieldedBefore` or longer, come first. Among them the person with the lowest count is
   * next, where each start counts as the average cost. `running` is the number of held slots by person;
   * people who hold as many as they may come after all others.
   */
  order(
    waiting: readonly Waiting[],
    running: ReadonlyMap<PersonId, number>,
    yieldedBefore: number,
  ): Waiting[] {
    const byPerson = new Map<
      PersonId,
      { sharer: Sharer; level: number; running: number; runs: Waiting[][] }
    >();
    for (const each of waiting) {
      const { id } = each.sharer;
      const entry = byPerson.get(id) ?? {
        sharer: each.sharer,
        level: this.of(id),
        running: running.get(id) ?? 0,
        runs: [[], []],
      };
      byPerson.set(id, entry);
      entry.runs[each.isAttended || each.since <= yieldedBefore ? 0 : 1]?.push(each);
    }
    const ordered: Waiting[] = [];
    const all = [...byPerson.values()];
    const isCapped = ({ sharer, running }: { sharer: Sharer; running: number }) =>
      sharer.runningMax !== null && running >= sharer.runningMax;
    // first people below their limit, attended Runs before others; then people at their limit, in the same
    // order
    for (const [mayBeCapped, kind] of [
      [false, 0] as const,
      [false, 1] as const,
      [true, 0] as const,
      [true, 1] as const,
    ]) {
      for (;;) {
        let next: (typeof all)[number] | null = null;
        for (const entry of all) {
          const first = entry.runs[kind]?.[0];
          if (!first || (!mayBeCapped && isCapped(entry))) continue;
          const best = next?.runs[kind]?.[0];
          if (
            !next ||
            !best ||
            entry.level < next.level ||
            (entry.level === next.level && first.since < best.since)
          )
            next = entry;
        }
        if (!next) break;
        ordered.push(next.runs[kind]?.shift() as Waiting);
        next.level += this.#expectedTokens / next.sharer.weight;
        next.running++;
      }
    }
    return ordered;
  }

  /** The first of `order`, if it may start; null if everybody who waits holds as many slots as they may. */
  next<W extends Waiting>(
    waiting: readonly W[],
    running: ReadonlyMap<PersonId, number>,
    yieldedBefore: number,
  ): W | null {
    const mayStart = waiting.filter(
      ({ sharer }) => sharer.runningMax === null || (running.get(sharer.id) ?? 0) < sharer.runningMax,
    );
    const first = mayStart.filter(({ isAttended, since }) => isAttended || since <= yieldedBefore);
    let best: W | null = null;
    for (const each of first.length > 0 ? first : mayStart) {
      const [level, least] = [this.of(each.sharer.id), best ? this.of(best.sharer.id) : 0];
      if (!best || level < least || (level === least && each.since < best.since)) best = each;
    }
    return best;
  }

  #charge({ id, weight }: Sharer, tokens: number): void {
    this.#had.set(id, this.of(id) + tokens / weight);
    this.#changed.add(id);
  }
}
