// Several llama-servers as one Upstream: whether there is room for a Slot, and requests that need none. What
// is sent in a Slot is in upstream/pool-slot; the servers themselves are kept in upstream/members.

import type { UpstreamState } from "../domain/upstream.ts";
import type { Log } from "../telemetry/log.ts";
import { Bounded } from "./bounded.ts";
import type { Llama } from "./llama.ts";
import { PoolMembers, type PoolOptions } from "./members.ts";
import { Placement } from "./placement.ts";
import { type PoolParts, PoolSlot } from "./pool-slot.ts";
import type { ChatRequest, Relayed, RelaySink, RequestId, Slot, Upstreams } from "./upstream.ts";

export class Pool implements Upstreams {
  readonly #members: PoolMembers;
  readonly #placement = new Placement();
  readonly #parts: PoolParts;
  readonly #passes = new Bounded();

  /** `own` are the servers that parlor has started; they stay as long as parlor runs. */
  constructor(
    options: PoolOptions & { readonly log: Log },
    urls: readonly string[],
    own: readonly Llama[] = [],
  ) {
    this.#members = new PoolMembers(options, urls, own, () => this.#placement.changed());
    this.#parts = { log: options.log, members: this.#members, placement: this.#placement };
  }

  get state(): UpstreamState {
    return this.#members.state;
  }

  get servers(): readonly UpstreamState[] {
    return this.#members.servers;
  }

  readonly logOf: Upstreams["logOf"] = (url) => this.#members.at(url)?.llama.log ?? [];

  readonly use: Upstreams["use"] = (urls) => this.#members.use(urls);

  readonly watch: Upstreams["watch"] = (listener) => this.#members.watch(listener);

  readonly facts: Upstreams["facts"] = (model) => this.#members.facts(model);

  /** The servers that answer now, those that have failed recently last. */
  get ready(): readonly Llama[] {
    const ready = this.#members.all.filter(({ isReady }) => isReady);
    return [...ready.filter(({ isPaused }) => !isPaused), ...ready.filter(({ isPaused }) => isPaused)].map(
      ({ llama }) => llama,
    );
  }

  take(model: string | null, slots = 1): Slot | null {
    const count = slots > 1 ? Math.min(slots, this.facts(model).slots) : 1;
    const serving = this.#members.serving(model);
    const free = serving.reduce((sum, member) => sum + Math.max(0, member.freeFor(model)), 0);
    const hasRoom =
      this.#members.only !== undefined || // the queue counts the slots of a single server
      serving.length === 0 ||
      (free >= this.#placement.reserved(model) + count &&
        serving.some((member) => member.roomFor(model, count) > 0));
    return hasRoom ? new PoolSlot(this.#parts, model, count) : null;
  }

  adopt(): Slot {
    return new PoolSlot(this.#parts, null, 1);
  }

  async pass(
    id: RequestId,
    relayed: Relayed,
    sink: RelaySink,
    signal: AbortSignal,
    url?: string,
  ): Promise<void> {
    const member = url === undefined ? this.#members.serving(relayed.model)[0] : this.#members.at(url);
    if (!member) throw this.#members.missing(relayed.model);
    await this.#passes.run(() => member.llama.pass(id, relayed, sink, signal));
  }

  async count(request: Pick<ChatRequest, "messages" | "model">, signal: AbortSignal): Promise<number | null> {
    return this.#members.serving(request.model)[0]?.llama.count(request, signal) ?? null;
  }

  async close(): Promise<void> {
    await this.#members.close();
  }
}
