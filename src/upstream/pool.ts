// Several llama-servers as one Upstream: each request goes to one of them (upstream/placement). If that one
// fails before anything of the answer was shown, the request goes to another. The servers themselves are kept
// in upstream/members.

import { asFailure, Failure } from "../domain/failure.ts";
import type { RunId } from "../domain/id.ts";
import type { RunStats } from "../domain/run.ts";
import type { UpstreamState } from "../domain/upstream.ts";
import type { Log } from "../telemetry/log.ts";
import { showing } from "./answer.ts";
import { Bounded } from "./bounded.ts";
import type { Llama } from "./llama.ts";
import { isTheirFault, type PoolMember } from "./member.ts";
import { PoolMembers, type PoolOptions } from "./members.ts";
import { type Placed, Placement } from "./placement.ts";
import type { ChatEnd, ChatRequest, Deltas, Relayed, RelaySink, RequestId, Upstreams } from "./upstream.ts";

interface PooledRequest extends Placed {
  readonly run: RunId;
  /** Something of the answer was shown: the request can't be sent again. */
  isShown: boolean;
}

export class Pool implements Upstreams {
  readonly #log: Log;
  readonly #members: PoolMembers;
  readonly #placement = new Placement();
  readonly #passes = new Bounded();
  /** The server of each Run whose last request has not reached its end. */
  readonly #last = new Map<RunId, PoolMember>();

  /** `own` are the servers that parlor has started; they stay as long as parlor runs. */
  constructor(
    options: PoolOptions & { readonly log: Log },
    urls: readonly string[],
    own: readonly Llama[] = [],
  ) {
    this.#log = options.log;
    this.#members = new PoolMembers(options, urls, own, () => this.#placement.changed());
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

  hasRoom(model: string | null, slots = 1): boolean {
    if (this.#members.only) return true; // the queue counts the slots of a single server
    const serving = this.#members.serving(model);
    const free = serving.reduce((sum, member) => sum + Math.max(0, member.freeFor(model)), 0);
    return (
      serving.length === 0 ||
      (free >= this.#placement.reserved(model) + slots &&
        serving.some((member) => member.roomFor(model, slots) > 0))
    );
  }

  async chat(id: RequestId, request: ChatRequest, deltas: Deltas, signal: AbortSignal): Promise<ChatEnd> {
    const parts = this.#members.only
      ? []
      : request.messages.map(({ role, content }) => `${role}\n${content}`);
    return this.#answer(
      { run: id.run, model: request.model, parts, signal, isShown: false },
      deltas,
      "assistant\n",
      (member, shown) => member.llama.chat(id, request, shown, signal),
    );
  }

  async complete(id: RequestId, prompt: string, deltas: Deltas, signal: AbortSignal): Promise<ChatEnd> {
    const pooled = { run: id.run, model: null, parts: [prompt], signal, isShown: false };
    return this.#answer(pooled, deltas, "", (member, shown) =>
      member.llama.complete(id, prompt, shown, signal),
    );
  }

  async relay(id: RequestId, relayed: Relayed, sink: RelaySink, signal: AbortSignal): Promise<void> {
    const pooled: PooledRequest = {
      run: id.run,
      model: relayed.model,
      parts: relayed.parts,
      slots: relayed.slots,
      signal,
      isShown: false,
    };
    await this.#attempt(pooled, async (member) => {
      const watched: RelaySink = {
        head: (status, headers) => {
          if (status === 503 && this.#others(pooled, member).length > 0)
            throw new Failure("upstream_loading", { url: member.llama.state.url });
          pooled.isShown = true;
          sink.head(status, headers);
        },
        body: (bytes) => {
          member.heardBytes(id.run, bytes);
          return sink.body(bytes);
        },
      };
      await member.llama.relay(id, relayed, watched, signal);
      return { parts: relayed.parts, stats: {} };
    });
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

  readonly reserve: Upstreams["reserve"] = (...args) => this.#placement.reserve(...args);

  readonly release: Upstreams["release"] = (run) => this.#placement.release(run);

  async count(request: Pick<ChatRequest, "messages" | "model">, signal: AbortSignal): Promise<number | null> {
    return this.#members.serving(request.model)[0]?.llama.count(request, signal) ?? null;
  }

  async resume(run: RunId, fromBytes: number, deltas: Deltas, signal: AbortSignal): Promise<ChatEnd> {
    let failure: unknown = new Failure("not_found"); // servers without the stream say so at once
    for (const member of this.#members.all) {
      let isShown = false;
      const shown = showing(deltas, () => {
        isShown = true;
      });
      member.begin(run, null);
      this.#last.set(run, member);
      try {
        const end = await member.llama.resume(run, fromBytes, shown, signal);
        this.#last.delete(run);
        return end;
      } catch (error) {
        if (signal.aborted || isShown) throw error;
        failure = error;
      } finally {
        member.end(run);
        this.#placement.changed();
      }
    }
    throw failure;
  }

  async freed(run: RunId): Promise<boolean> {
    const member = this.#last.get(run);
    if (!member) return true;
    this.#last.delete(run);
    return member.llama.freed(run).finally(() => this.#members.changed());
  }

  async close(): Promise<void> {
    await this.#members.close();
  }

  /**
   * Reads an answer as Deltas.
   * @param role the prefix of the answer in the prompt of the next turn
   */
  async #answer(
    pooled: PooledRequest,
    deltas: Deltas,
    role: string,
    work: (member: PoolMember, deltas: Deltas) => Promise<ChatEnd>,
  ): Promise<ChatEnd> {
    let answer = "";
    let found: ChatEnd | undefined;
    await this.#attempt(pooled, async (member) => {
      if (this.#members.only === member) {
        pooled.isShown = true; // there is no other server, so nothing has to be observed or remembered
        found = await work(member, deltas);
        return { parts: [], stats: found.stats };
      }
      const shown = showing(deltas, (piece) => {
        pooled.isShown = true;
        answer += piece;
        member.heard(pooled.run);
      });
      const { finish, stats } = await work(member, shown);
      const { model } = member.llama.facts(pooled.model); // a router may have chosen the model only now
      found = { finish, stats: model === null ? stats : { ...stats, model } };
      return { parts: [...pooled.parts, role + answer], stats: found.stats };
    });
    return found as ChatEnd;
  }

  /** Tries one server after the other until one has answered, or something of an answer was shown. */
  async #attempt(
    pooled: PooledRequest,
    work: (member: PoolMember) => Promise<{ parts: readonly string[]; stats: RunStats }>,
  ): Promise<void> {
    const { run, model, slots, signal } = pooled;
    const tried = new Set<PoolMember>();
    for (;;) {
      const only = this.#members.only; // parlor's queue waits for its slots
      const member =
        only && !tried.has(only)
          ? only
          : await this.#placement.of(pooled, () =>
              this.#members.serving(model).filter((each) => !tried.has(each)),
            );
      if (member === null) throw this.#members.missing(model);
      member.begin(run, model, slots);
      this.#placement.release(run);
      this.#last.set(run, member);
      try {
        const { parts, stats } = await work(member);
        member.done(run, parts, stats);
        this.#last.delete(run);
        return this.#placement.changed();
      } catch (error) {
        member.end(run);
        this.#placement.changed();
        const { code } = asFailure(error);
        const isTheirs = !signal.aborted && isTheirFault(code);
        if (isTheirs) member.failed();
        tried.add(member);
        if (!isTheirs || pooled.isShown || this.#others(pooled, ...tried).length === 0) throw error;
        this.#log.warn("a Run is sent to another llama-server", { run, code, url: member.llama.state.url });
        // the retry does not wait until the slot of the failed request is idle
        void member.llama.freed(run).then(() => this.#members.changed());
      }
    }
  }

  /** Other ready servers for the request. */
  #others({ model }: PooledRequest, ...tried: PoolMember[]): PoolMember[] {
    return this.#members.serving(model).filter((member) => member.isReady && !tried.includes(member));
  }
}
