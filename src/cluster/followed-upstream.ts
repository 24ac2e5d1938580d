// The llama-servers as a follower knows them: their state, as the leader tells it. A follower sends them
// nothing and does not watch them: each process that did would take the others' requests for foreign ones.
// Once this process leads, all goes to servers of its own.

import type { LeaderState } from "../domain/cluster.ts";
import { Failure } from "../domain/failure.ts";
import type { ModelFacts, UpstreamState } from "../domain/upstream.ts";
import type { Slot, Upstreams } from "../upstream/upstream.ts";

/** How long the state of our own servers is not believed after a takeover, unless it is ready, in ms. */
const settlingMs = 3_000;

const unknown: UpstreamState = {
  ...{ status: "loading", url: "", slots: 1, foreignSlots: 0, contextTokens: null },
  ...{ vision: null, hearing: null, model: null, models: [], ours: false, progress: null },
};

export class FollowedUpstream<Own extends Upstreams = Upstreams> implements Upstreams {
  readonly #open: () => Own;
  readonly #listeners = new Set<(state: UpstreamState) => void>();
  #told: Pick<LeaderState, "upstream" | "servers" | "facts"> = { upstream: unknown, servers: [], facts: [] };
  #own: Own | null = null;
  #ledAt = 0;

  /** `open` begins to use the llama-servers. */
  constructor(open: () => Own) {
    this.#open = open;
  }

  /** Takes what the leader tells. */
  tell(told: Pick<LeaderState, "upstream" | "servers" | "facts">): void {
    const isNew = JSON.stringify(told) !== JSON.stringify(this.#told);
    this.#told = told;
    if (isNew && this.#own === null) this.#changed();
  }

  /** From now on uses the llama-servers. */
  lead(): void {
    this.#ledAt = performance.now();
    this.#own = this.#open();
    this.#own.watch(() => this.#changed());
    setTimeout(() => this.#changed(), settlingMs).unref();
  }

  /** Those that this process uses while it leads. */
  get own(): Own | null {
    return this.#own;
  }

  get state(): UpstreamState {
    return this.#trusted?.state ?? this.#told.upstream;
  }

  get servers(): readonly UpstreamState[] {
    return this.#own?.servers ?? this.#told.servers;
  }

  facts(model: string | null): ModelFacts {
    if (this.#trusted) return this.#trusted.facts(model);
    const found = this.#told.facts.find(([name]) => name === model) ?? this.#told.facts[0];
    const { contextTokens, slots, vision, hearing } = this.#told.upstream;
    return found?.[1] ?? { model, contextTokens, slots, vision, hearing };
  }

  watch(listener: (state: UpstreamState) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  take(model: string | null, slots?: number): Slot | null {
    return this.#own?.take(model, slots) ?? null;
  }

  adopt(): Slot {
    return this.#needOwn().adopt();
  }

  async pass(...all: Parameters<Upstreams["pass"]>): Promise<void> {
    await this.#needOwn().pass(...all);
  }

  async count(...all: Parameters<Upstreams["count"]>): Promise<number | null> {
    return this.#own?.count(...all) ?? null;
  }

  use(urls: readonly string[]): void {
    this.#own?.use(urls);
  }

  logOf(url: string): readonly string[] {
    return this.#own?.logOf(url) ?? [];
  }

  async close(): Promise<void> {
    await this.#own?.close();
  }

  /** Our own servers, once their state is known. */
  get #trusted(): Own | null {
    const isKnown = this.#own?.state.status === "ready" || performance.now() - this.#ledAt > settlingMs;
    return isKnown ? this.#own : null;
  }

  #needOwn(): Own {
    if (this.#own === null) throw new Failure("no_leader");
    return this.#own;
  }

  #changed(): void {
    for (const listener of [...this.#listeners]) listener(this.state);
  }
}
