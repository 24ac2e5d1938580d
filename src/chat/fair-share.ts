// Who is served next, fairly across people: deficit round robin with rounds as small as can be, where what a
// Run costs is known only while it runs. Each person has a count of the tokens they have had, divided by
// their weight; the one who has had least goes first. Pure: no clock, no storage.

import type { Person } from "../domain/account.ts";
import type { PersonId, RunId } from "../domain/id.ts";

/** The part of a Person that the line minds. */
export interface Sharer {
  readonly id: PersonId;
  readonly weight: number;
  /** Runs at once in slots; null: as many as there are. */
  readonly runningMax: number | null;
}

export function sharerOf({ id, limits }: Person): Sharer {
  return { id, weight: limits.weight, runningMax: limits.runningRunsMax };
}

export interface Waiting {
  readonly run: RunId;
  readonly sharer: Sharer;
  /** When it came, in ms. */
  readonly since: number;
  /** Somebody waits for it before a page; others yield to them, for a bounded time. */
  readonly isAttended: boolean;
}

/** What a Run is expected to cost until the first have ended, in tokens. */
const firstGuessTokens = 300;

/** How much of the expectation comes from the latest Run. */
const learning = 0.1;

export class FairShare {
  /** What a newcomer begins with: no credit for the time when they were not here, no debt either. */
  #floor = 0;
  readonly #had = new Map<PersonId, number>();
  readonly #changed = new Set<PersonId>();
  readonly #charged = new Map<RunId, { sharer: Sharer; tokens: number }>();
  #expectedTokens = firstGuessTokens;

  /** What a Run costs as a rule, in tokens. */
  get expectedTokens(): number {
    return this.#expectedTokens;
  }

  /** Goes on where the process before this one ended. */
  restore({ floor, had }: { floor: number; had: ReadonlyMap<PersonId, number> }): void {
    this.#floor = floor;
    for (const [person, tokens] of had) this.#had.set(person, tokens);
  }

  /** Weighted tokens that somebody has had. */
  of(person: PersonId): number {
    return Math.max(this.#floor, this.#had.get(person) ?? 0);
  }

  /** A Run takes a Slot: it is charged what Runs cost as a rule until it is known better. */
  begin(run: RunId, sharer: Sharer): void {
    this.#floor = this.of(sharer.id);
    this.#charged.set(run, { sharer, tokens: this.#expectedTokens });
    this.#charge(sharer, this.#expectedTokens);
  }

  /** What a running Run has used by now; only what goes beyond its charge counts. */
  spent(run: RunId, tokens: number): void {
    const charged = this.#charged.get(run);
    if (!charged || tokens <= charged.tokens) return;
    this.#charge(charged.sharer, tokens - charged.tokens);
    charged.tokens = tokens;
  }

  /** A Run is over, and this is what it has used. */
  end(run: RunId, tokens: number): void {
    const charged = this.#charged.get(run);
    if (!charged) return;
    this.#charged.delete(run);
    this.#charge(charged.sharer, tokens - charged.tokens);
    if (tokens > 0) this.#expectedTokens += (tokens - this.#expectedTokens) * learning;
  }

  /** Nobody waits: what anybody has had until now has cost nobody anything, and is forgotten. */
  settle(spent: (run: RunId) => number): void {
    for (const had of this.#had.values()) this.#floor = Math.max(this.#floor, had);
    this.#had.clear();
    this.#changed.clear();
    for (const [run, charged] of this.#charged) {
      charged.tokens = spent(run) + this.#expectedTokens;
      this.#charge(charged.sharer, this.#expectedTokens);
    }
  }

  /** What has changed since it was last asked for. */
  changes(): { floor: number; had: Map<PersonId, number> } {
    const had = new Map([...this.#changed].map((person) => [person, this.of(person)]));
    this.#changed.clear();
    return { floor: this.#floor, had };
  }

  /**
   * The line in the order in which it will be served if nothing changes: attended Runs and those that have waited since `yieldedBefore`
   * first; among them always the next of who has had least, each start counted as what Runs cost as a rule. `running` are Runs in
   * slots by person: who has as many as they may have comes after all others.
   */
  order(
    waiting: readonly Waiting[],
    running: ReadonlyMap<PersonId, number>,
    yieldedBefore: number,
  ): Waiting[] {
    const lines = new Map<PersonId, { sharer: Sharer; level: number; running: number; runs: Waiting[][] }>();
    for (const each of waiting) {
      const { id } = each.sharer;
      const line = lines.get(id) ?? {
        sharer: each.sharer,
        level: this.of(id),
        running: running.get(id) ?? 0,
        runs: [[], []],
      };
      lines.set(id, line);
      line.runs[each.isAttended || each.since <= yieldedBefore ? 0 : 1]?.push(each);
    }
    const ordered: Waiting[] = [];
    const all = [...lines.values()];
    const isCapped = ({ sharer, running }: { sharer: Sharer; running: number }) =>
      sharer.runningMax !== null && running >= sharer.runningMax;
    // first those who may start, attended ones before the others; then, in the same order, those who must wait for their own
    for (const [mayBeCapped, kind] of [
      [false, 0] as const,
      [false, 1] as const,
      [true, 0] as const,
      [true, 1] as const,
    ]) {
      for (;;) {
        let next: (typeof all)[number] | null = null;
        for (const line of all) {
          const first = line.runs[kind]?.[0];
          if (!first || (!mayBeCapped && isCapped(line))) continue;
          const best = next?.runs[kind]?.[0];
          if (
            !next ||
            !best ||
            line.level < next.level ||
            (line.level === next.level && first.since < best.since)
          )
            next = line;
        }
        if (!next) break;
        ordered.push(next.runs[kind]?.shift() as Waiting);
        next.level += this.#expectedTokens / next.sharer.weight;
        next.running++;
      }
    }
    return ordered;
  }

  /** The first of `order`, if it may start: null when everybody who waits has as many Runs in slots as they may have. */
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
