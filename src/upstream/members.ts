// The llama-servers of a pool: which there are, which may take a request for a model, and their common state.
// Which of them takes a request is decided in upstream/placement.

import { Failure } from "../domain/failure.ts";
import { type ModelFacts, type UpstreamState, withoutCredentials } from "../domain/upstream.ts";
import { aggregate } from "./aggregate.ts";
import type { Llama } from "./llama.ts";
import { PoolMember } from "./member.ts";

export interface PoolOptions {
  /** Starts watching the llama-server at an address. */
  open(url: string): Llama;
}

export class PoolMembers {
  readonly #options: PoolOptions;
  readonly #onChange: () => void;
  readonly #listeners = new Set<(state: UpstreamState) => void>();
  #members: readonly PoolMember[];
  #state: UpstreamState;

  /**
   * @param own servers that parlor has started: `use` does not remove them
   * @param onChange called at each change, before the listeners of `watch`
   */
  constructor(options: PoolOptions, urls: readonly string[], own: readonly Llama[], onChange: () => void) {
    this.#options = options;
    this.#onChange = onChange;
    this.#members = [
      ...own.map((llama) => this.#member(llama, true)),
      ...urls.map((url) => this.#member(options.open(url), false)),
    ];
    this.#state = aggregate(this.servers);
  }

  /** All servers. A later `use` changes no list that was returned before. */
  get all(): readonly PoolMember[] {
    return this.#members;
  }

  get state(): UpstreamState {
    return this.#state;
  }

  get servers(): readonly UpstreamState[] {
    return this.#members.map(({ llama }) => llama.state);
  }

  /** The single server with a single model, which is the usual case; undefined where there are more. */
  get only(): PoolMember | undefined {
    return this.#members.length === 1 && this.#state.models.length <= 1 ? this.#members[0] : undefined;
  }

  /** The server at an address as `servers` shows it. */
  at(url: string): PoolMember | undefined {
    return this.#members.find(({ llama }) => llama.state.url === url);
  }

  /** See `Upstreams.use`. */
  use(urls: readonly string[]): void {
    const shown = urls.map(withoutCredentials);
    const removed = this.#members.filter(({ isOwn, llama }) => !isOwn && !shown.includes(llama.state.url));
    const kept = this.#members.filter((member) => !removed.includes(member));
    const added = urls.filter((_, i) => !kept.some(({ llama }) => llama.state.url === shown[i]));
    this.#members = [...kept, ...added.map((url) => this.#member(this.#options.open(url), false))];
    for (const member of removed) void member.retire();
    this.changed();
  }

  /**
   * The servers to choose from for a model. Ready servers without a recent failure come first; if all have
   * failed, failed ones may try: an attempt is better than a refusal.
   */
  serving(model: string | null): readonly PoolMember[] {
    // a llama-server with one model ignores the name in a request
    const serving =
      this.#state.models.length <= 1 ? this.#members : this.#members.filter((member) => member.serves(model));
    const ready = serving.filter((member) => member.isReady);
    const sound = ready.filter((member) => !member.isPaused);
    return [sound, ready, serving].find((each) => each.length > 0) ?? [];
  }

  /** See `Upstream.facts`. */
  facts(model: string | null): ModelFacts {
    const facts = this.serving(model).map(({ llama }) => llama.facts(model));
    const contexts = facts.flatMap(({ contextTokens }) => contextTokens ?? []);
    const names = new Set(facts.map((each) => each.model));
    return {
      model: names.size === 1 ? (facts[0]?.model ?? null) : model,
      contextTokens: contexts.length > 0 ? Math.min(...contexts) : null, // a prompt must fit the smallest
      slots: Math.max(1, ...facts.map(({ slots }) => slots)),
      vision: allDo(facts.map(({ vision }) => vision)),
      hearing: allDo(facts.map(({ hearing }) => hearing)),
    };
  }

  /** The Failure for a request that no server can take. */
  missing(model: string | null): Failure {
    const models = this.#state.models.map(({ name }) => name).join(", ");
    return model !== null && models !== ""
      ? new Failure("model_missing", { model, models })
      : new Failure("upstream_absent", { url: this.#state.url });
  }

  watch(listener: (state: UpstreamState) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** A server's state, or the set of servers, has changed. */
  changed(): void {
    this.#onChange();
    this.#state = aggregate(this.servers);
    for (const listener of this.#listeners) listener(this.#state);
  }

  async close(): Promise<void> {
    await Promise.all(this.#members.map((member) => member.close()));
  }

  #member(llama: Llama, isOwn: boolean): PoolMember {
    return new PoolMember(llama, isOwn, () => this.changed());
  }
}

/** A picture may go to any of them: true when all see, false when one does not, null while it is not known. */
function allDo(abilities: readonly (boolean | null)[]): boolean | null {
  if (abilities.includes(false)) return false;
  return abilities.length > 0 && !abilities.includes(null) ? true : null;
}
