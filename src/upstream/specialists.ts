// The llama-servers with a model for one purpose: those that were named for it, else a router beside the
// chats that has such a model. What is asked of them is in upstream/llama-embedder and upstream/llama-reranker.

import { Failure } from "../domain/failure.ts";
import type { Purpose, UpstreamState } from "../domain/upstream.ts";
import { isOk, refusal } from "./answer.ts";
import { Bounded } from "./bounded.ts";
import { jsonOf, send, textOf } from "./http.ts";
import type { Llama } from "./llama.ts";
import type { SpecialServers } from "./meaning.ts";
import type { Pool } from "./pool.ts";
import type { Relayed, RelaySink, RequestId } from "./upstream.ts";

/** A server, and the name of the model that its requests need; null: it has only one. */
export interface Specialist {
  readonly llama: Llama;
  readonly model: string | null;
}

/** Most bytes that are read of a refusal. */
const refusalMaxBytes = 16 * 1024;

/** The servers for conversations, as far as they are looked through for other models. */
export type ChatServers = Pick<Pool, "state" | "servers" | "ready" | "watch">;

export abstract class Specialists implements SpecialServers {
  readonly #purpose: Purpose;
  readonly #named: Pool | null;
  readonly #chats: ChatServers;
  readonly #passes = new Bounded();
  /** Tokens that a server takes at once, where it has told. */
  readonly #limits = new WeakMap<Llama, number>();

  /**
   * @param named the servers that were named for this purpose; null: none
   * @param chats those of conversations; they are not closed here
   */
  constructor(purpose: Purpose, named: Pool | null, chats: ChatServers) {
    this.#purpose = purpose;
    this.#named = named;
    this.#chats = chats;
  }

  get isOffered(): boolean {
    return this.#named !== null || this.#chats.servers.some((state) => this.#specialIn(state) !== undefined);
  }

  get servers(): readonly UpstreamState[] {
    return this.#named?.servers ?? [];
  }

  logOf(url: string): readonly string[] {
    return this.#named?.logOf(url) ?? [];
  }

  watch(listener: () => void): () => void {
    return (this.#named ?? this.#chats).watch(listener);
  }

  async pass(id: RequestId, relayed: Relayed, sink: RelaySink, signal: AbortSignal): Promise<void> {
    const found = this.find();
    if (!found) throw new Failure("upstream_absent", { url: (this.#named ?? this.#chats).state.url });
    await this.#passes.run(() => found.llama.pass(id, relayed, sink, signal));
  }

  async close(): Promise<void> {
    await this.#named?.close();
  }

  /** A server that answers now. */
  protected find(): Specialist | null {
    for (const llama of this.#named?.ready ?? [])
      return { llama, model: this.#specialIn(llama.state)?.name ?? null };
    for (const llama of this.#chats.ready) {
      const model = this.#specialIn(llama.state)?.name;
      if (model !== undefined) return { llama, model };
    }
    return null;
  }

  /**
   * JSON that a server answers to `body`.
   * @throws Failure `upstream_*`, `context_overflow`; the signal's reason when it is aborted
   */
  protected async post(
    { llama: { target }, model }: Specialist,
    path: string,
    body: object,
    signal: AbortSignal,
  ): Promise<unknown> {
    const request = {
      method: "POST",
      path,
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ ...body, model: model ?? undefined }),
    } as const;
    const response = await send(target, request, signal);
    if (isOk(response.status)) return jsonOf(response, signal);
    throw refusal(response.status, await textOf(response, signal, refusalMaxBytes), target.url);
  }

  /**
   * Calls `ask` with texts that fit the model. A server tells how long a text may be only when it refuses
   * one: then all are cut and it is asked again, here and from now on.
   * @param beside tokens of what goes with each text
   * @throws as `post`
   */
  protected async fitting<T>(
    found: Specialist,
    texts: readonly string[],
    beside: string,
    signal: AbortSignal,
    ask: (texts: readonly string[]) => Promise<T>,
  ): Promise<T> {
    const known = this.#limits.get(found.llama);
    const cut = known === undefined ? texts : await this.#cut(found, texts, beside, known, signal);
    try {
      return await ask(cut);
    } catch (error) {
      const limit = limitIn(error);
      if (limit === null) throw error;
      this.#limits.set(found.llama, Math.min(limit, known ?? limit));
      if (known !== undefined && limit >= known) throw new Failure("upstream_refused", { status: 400 });
    }
    return this.fitting(found, texts, beside, signal, ask);
  }

  async #cut(
    found: Specialist,
    texts: readonly string[],
    beside: string,
    limit: number,
    signal: AbortSignal,
  ): Promise<string[]> {
    const room = limit - marksTokens - (beside === "" ? 0 : await this.#tokensIn(found, beside, signal));
    return Promise.all(
      texts.map(async (text) => {
        let kept = text;
        // a token is at least a byte
        for (let tries = 0; Buffer.byteLength(kept) > room && tries < cutsMax; tries++) {
          const tokens = await this.#tokensIn(found, kept, signal);
          if (tokens <= room) break;
          kept = kept.slice(0, Math.max(1, Math.floor((kept.length * room * cutShare) / tokens)));
        }
        return kept.toWellFormed();
      }),
    );
  }

  /** Counted by the server; where it can't, as many as there may be. */
  async #tokensIn(found: Specialist, text: string, signal: AbortSignal): Promise<number> {
    const counted = await this.post(found, "/tokenize", { content: text }, signal).catch(() => null);
    if (signal.aborted) throw signal.reason;
    const tokens = (counted as { tokens?: unknown } | null)?.tokens;
    return Array.isArray(tokens) ? tokens.length : Buffer.byteLength(text);
  }

  #specialIn({ special }: Llama["state"]) {
    return special?.find(({ purpose }) => purpose === this.#purpose);
  }
}

/**
 * Tokens that a model puts around its texts, at most; cuts of one text; share of the room that a cut aims at.
 */
const [marksTokens, cutsMax, cutShare] = [8, 4, 0.95];

/** How many tokens a text may have, in a refusal of a longer one; null in any other. */
function limitIn(error: unknown): number | null {
  if (!(error instanceof Failure)) return null;
  const { code, facts } = error;
  if (code === "context_overflow") return Number(facts["contextTokens"]) || null;
  const [, batch] = /current batch size: (\d+)/.exec(String(facts["detail"])) ?? [];
  return batch === undefined ? null : Number(batch);
}
