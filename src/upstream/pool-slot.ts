// A Slot of several llama-servers. Its first request goes to the one that upstream/placement chooses; later
// ones stay there, where the prompt is in the cache. If a server fails before anything of an answer was
// shown, the request goes to another.

import { asFailure, Failure } from "../domain/failure.ts";
import type { RunId } from "../domain/id.ts";
import type { Log } from "../telemetry/log.ts";
import { showing } from "./answer.ts";
import type { LlamaSlot } from "./llama-slot.ts";
import { isTheirFault, type PoolMember } from "./member.ts";
import type { PoolMembers } from "./members.ts";
import type { Placed, Placement } from "./placement.ts";
import type { ChatEnd, ChatRequest, Deltas, Relayed, RelaySink, RequestId, Slot } from "./upstream.ts";

/** What the Slots of a pool share. */
export interface PoolParts {
  readonly log: Log;
  readonly members: PoolMembers;
  readonly placement: Placement;
}

interface PooledRequest extends Placed {
  /** For the log. */
  readonly run: RunId;
  /** Something of the answer was shown: the request can't be sent again. */
  isShown: boolean;
}

/** Slots of one llama-server. */
interface Held {
  readonly member: PoolMember;
  readonly slot: LlamaSlot;
}

export class PoolSlot implements Slot {
  readonly #pool: PoolParts;
  readonly model: string | null;
  readonly count: number;
  /** Null until a request has chosen a server. */
  #held: Held | null = null;
  #released: Promise<boolean> | null = null;

  /** @param count how many slots of one llama-server it will hold */
  constructor(pool: PoolParts, model: string | null, count: number) {
    this.#pool = pool;
    this.model = model;
    this.count = count;
    pool.placement.unplaced.add(this);
  }

  chat(id: RequestId, request: ChatRequest, deltas: Deltas, signal: AbortSignal): Promise<ChatEnd> {
    const parts = this.#pool.members.only
      ? []
      : request.messages.map(({ role, content }) => `${role}\n${content}`);
    const pooled = { run: id.run, model: request.model, parts, signal, isShown: false };
    const work = (slot: Slot, shown: Deltas) => slot.chat(id, request, shown, signal);
    return this.#answer(pooled, deltas, "assistant\n", work);
  }

  complete(id: RequestId, prompt: string, deltas: Deltas, signal: AbortSignal): Promise<ChatEnd> {
    const pooled = { run: id.run, model: null, parts: [prompt], signal, isShown: false };
    return this.#answer(pooled, deltas, "", (slot, shown) => slot.complete(id, prompt, shown, signal));
  }

  async relay(id: RequestId, relayed: Relayed, sink: RelaySink, signal: AbortSignal): Promise<void> {
    const { model, parts } = relayed;
    const pooled: PooledRequest = { run: id.run, model, parts, signal, isShown: false };
    await this.#attempt(pooled, async (member, slot) => {
      const watched: RelaySink = {
        head: (status, headers) => {
          if (status === 503 && this.#others(pooled, member).length > 0)
            throw new Failure("upstream_loading", { url: member.llama.state.url });
          pooled.isShown = true;
          sink.head(status, headers);
        },
        body: (bytes) => {
          member.heardBytes(bytes);
          return sink.body(bytes);
        },
      };
      await slot.relay(id, relayed, watched, signal);
      return parts;
    });
  }

  async resume(run: RunId, fromBytes: number, deltas: Deltas, signal: AbortSignal): Promise<ChatEnd> {
    let failure: unknown = new Failure("not_found"); // servers without the stream say so at once
    for (const member of this.#pool.members.all) {
      let isShown = false;
      const shown = showing(deltas, () => {
        isShown = true;
      });
      try {
        return await this.#hold(member, null).slot.resume(run, fromBytes, shown, signal);
      } catch (error) {
        if (signal.aborted || isShown) throw error;
        failure = error;
      }
    }
    throw failure;
  }

  release(): Promise<boolean> {
    this.#released ??= this.#release();
    return this.#released;
  }

  async #release(): Promise<boolean> {
    const { placement } = this.#pool;
    placement.unplaced.delete(this);
    const isFreed = (await this.#held?.slot.release()) ?? true;
    placement.changed();
    return isFreed;
  }

  /**
   * Reads an answer as Deltas.
   * @param role the prefix of the answer in the prompt of the next turn
   */
  async #answer(
    pooled: PooledRequest,
    deltas: Deltas,
    role: string,
    work: (slot: LlamaSlot, deltas: Deltas) => Promise<ChatEnd>,
  ): Promise<ChatEnd> {
    let answer = "";
    let firstAt: number | undefined;
    let found: ChatEnd | undefined;
    await this.#attempt(pooled, async (member, slot) => {
      if (this.#pool.members.only === member) {
        pooled.isShown = true; // there is no other server, so nothing has to be observed or remembered
        found = await work(slot, deltas);
        return [];
      }
      const shown = showing(deltas, (piece) => {
        pooled.isShown = true;
        answer += piece;
        firstAt ??= performance.now();
      });
      const { finish, stats } = await work(slot, shown);
      const { model } = member.llama.facts(pooled.model); // a router may have chosen the model only now
      found = { finish, stats: model === null ? stats : { ...stats, model } };
      const { promptTokens = 0, cachedTokens = 0 } = stats;
      member.hasRead(promptTokens - cachedTokens, (firstAt ?? slot.startedAt) - slot.startedAt);
      return [...pooled.parts, role + answer];
    });
    return found as ChatEnd;
  }

  /**
   * Tries one server after the other until one has answered, or something of an answer was shown.
   * @param work resolves to the parts of the prompt that the server has in its cache afterwards
   */
  async #attempt(
    pooled: PooledRequest,
    work: (member: PoolMember, slot: LlamaSlot) => Promise<readonly string[]>,
  ): Promise<void> {
    const { members, placement, log } = this.#pool;
    const { run, model, signal } = pooled;
    const tried = new Set<PoolMember>();
    for (;;) {
      const held = await this.#place(pooled, tried);
      if (held === null) throw members.missing(model);
      const { member, slot } = held;
      try {
        const parts = await work(member, slot);
        return member.done(parts, performance.now() - slot.startedAt);
      } catch (error) {
        const { code } = asFailure(error);
        const isTheirs = !signal.aborted && isTheirFault(code);
        if (isTheirs) member.failed();
        placement.changed();
        tried.add(member);
        if (!isTheirs || pooled.isShown || this.#others(pooled, ...tried).length === 0) throw error;
        log.warn("a Run is sent to another llama-server", { run, code, url: member.llama.state.url });
      }
    }
  }

  /** Slots of the server for a request; null if there is none. @throws the signal's reason when it is aborted */
  async #place(pooled: PooledRequest, tried: ReadonlySet<PoolMember>): Promise<Held | null> {
    const { members, placement } = this.#pool;
    const { model } = pooled;
    const { only } = members; // parlor's queue waits for its slots
    if (only && !tried.has(only)) return this.#hold(only, model);
    const able = () => members.serving(model).filter((each) => !tried.has(each));
    const held = this.#held;
    if (held?.slot.model === model && able().includes(held.member)) return held;
    this.#leave();
    return placement.of({ ...pooled, count: this.count }, able, (member) => this.#hold(member, model));
  }

  /** Holds slots of this server, if it does not hold them already, and of no other. */
  #hold(member: PoolMember, model: string | null): Held {
    if (this.#held?.member === member && this.#held.slot.model === model) return this.#held;
    this.#leave();
    this.#held = { member, slot: member.llama.take(model, this.count) };
    this.#pool.placement.unplaced.delete(this);
    return this.#held;
  }

  /** Leaves its server, if it has one. The next request does not wait until the slot there is idle. */
  #leave(): void {
    const { members, placement } = this.#pool;
    const left = this.#held;
    this.#held = null;
    placement.unplaced.add(this);
    void left?.slot.release().then(() => members.changed());
  }

  /** Other ready servers for the request. */
  #others({ model }: PooledRequest, ...tried: PoolMember[]): PoolMember[] {
    return this.#pool.members.serving(model).filter((member) => member.isReady && !tried.includes(member));
  }
}
