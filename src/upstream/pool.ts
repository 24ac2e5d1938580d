// Several llama-servers as one: which is asked (upstream/route), which is left out because it fails (upstream/member), what is asked elsewhere then.

import { asFailure, Failure } from "../domain/failure.ts";
import type { RunId } from "../domain/id.ts";
import type { RunStats } from "../domain/run.ts";
import { type UpstreamState, withoutCredentials } from "../domain/upstream.ts";
import type { Log } from "../telemetry/log.ts";
import { together } from "./aggregate.ts";
import { showing } from "./answer.ts";
import { Bounded } from "./bounded.ts";
import type { Llama } from "./llama.ts";
import { isTheirFault, PoolMember } from "./member.ts";
import { type Placed, Placement } from "./placement.ts";
import type { Asked, ChatEnd, ChatRequest, Deltas, Relayed, RelaySink, Upstreams } from "./upstream.ts";

interface PoolOptions {
  /** Starts watching the llama-server at an address. */
  open(url: string): Llama;
  readonly log: Log;
}

interface Wish extends Placed {
  readonly run: RunId;
  /** Something of the answer was shown: it can't be asked again. */
  isShown: boolean;
}

export class Pool implements Upstreams {
  readonly #options: PoolOptions;
  readonly #listeners = new Set<(state: UpstreamState) => void>();
  #members: PoolMember[];
  #state: UpstreamState;
  /** Who had a request that did not reach its end. */
  readonly #last = new Map<RunId, PoolMember>();
  readonly #placement = new Placement();
  readonly #passes = new Bounded();
  readonly #member = (llama: Llama, isOwn: boolean) => new PoolMember(llama, isOwn, () => this.#changed());

  /** `own` are there as long as parlor is: children of ours. */
  constructor(options: PoolOptions, urls: readonly string[], own: readonly Llama[] = []) {
    this.#options = options;
    this.#members = [
      ...own.map((llama) => this.#member(llama, true)),
      ...urls.map((url) => this.#member(options.open(url), false)),
    ];
    this.#state = together(this.servers);
  }

  get state(): UpstreamState {
    return this.#state;
  }

  get servers(): readonly UpstreamState[] {
    return this.#members.map(({ llama }) => llama.state);
  }

  readonly #at = (url: string) => this.#members.find(({ llama }) => llama.state.url === url);
  readonly logOf: Upstreams["logOf"] = (url) => this.#at(url)?.llama.log ?? [];

  use(urls: readonly string[]): void {
    const shown = urls.map(withoutCredentials);
    const gone = this.#members.filter(({ isOwn, llama }) => !isOwn && !shown.includes(llama.state.url));
    const stay = this.#members.filter((member) => !gone.includes(member));
    const come = urls.filter((_, i) => !stay.some(({ llama }) => llama.state.url === shown[i]));
    this.#members = [...stay, ...come.map((url) => this.#member(this.#options.open(url), false))];
    for (const member of gone) void member.retire();
    this.#changed();
  }

  watch(listener: (state: UpstreamState) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  facts(model: string | null): Pick<UpstreamState, "model" | "contextTokens" | "slots"> {
    const facts = this.#serving(model).map(({ llama }) => llama.facts(model));
    const [contexts, names] = [
      facts.flatMap(({ contextTokens }) => contextTokens ?? []),
      new Set(facts.map((each) => each.model)),
    ]; // it must fit the smallest
    return {
      model: names.size === 1 ? (facts[0]?.model ?? null) : model,
      contextTokens: contexts.length > 0 ? Math.min(...contexts) : null,
      slots: Math.max(1, ...facts.map(({ slots }) => slots)),
    };
  }

  hasRoom(model: string | null, slots = 1): boolean {
    if (this.#only) return true; // the queue counts its slots
    const serving = this.#serving(model);
    const free = serving.reduce((sum, member) => sum + Math.max(0, member.freeFor(model)), 0);
    return (
      serving.length === 0 ||
      (free >= this.#placement.reserved(model) + slots &&
        serving.some((member) => member.roomFor(model, slots) > 0))
    );
  }

  async chat(asked: Asked, request: ChatRequest, deltas: Deltas, signal: AbortSignal): Promise<ChatEnd> {
    const parts = this.#only ? [] : request.messages.map(({ role, content }) => `${role}\n${content}`);
    return this.#answered(
      { run: asked.run, model: request.model, parts, signal, isShown: false },
      deltas,
      "assistant\n",
      (member, shown) => member.llama.chat(asked, request, shown, signal),
    );
  }

  async complete(asked: Asked, prompt: string, deltas: Deltas, signal: AbortSignal): Promise<ChatEnd> {
    const wish = { run: asked.run, model: null, parts: [prompt], signal, isShown: false };
    return this.#answered(wish, deltas, "", (member, shown) =>
      member.llama.complete(asked, prompt, shown, signal),
    );
  }

  async relay(asked: Asked, relayed: Relayed, sink: RelaySink, signal: AbortSignal): Promise<void> {
    const wish: Wish = {
      run: asked.run,
      model: relayed.model,
      parts: relayed.parts,
      slots: relayed.slots,
      signal,
      isShown: false,
    };
    await this.#asked(wish, async (member) => {
      const heard: RelaySink = {
        head: (status, headers) => {
          if (status === 503 && this.#others(wish, member).length > 0)
            throw new Failure("upstream_loading", { url: member.llama.state.url });
          wish.isShown = true;
          sink.head(status, headers);
        },
        body: (bytes) => {
          member.heardBytes(asked.run, bytes);
          return sink.body(bytes);
        },
      };
      await member.llama.relay(asked, relayed, heard, signal);
      return { parts: relayed.parts, stats: {} };
    });
  }

  async pass(
    asked: Asked,
    relayed: Relayed,
    sink: RelaySink,
    signal: AbortSignal,
    url?: string,
  ): Promise<void> {
    const member = url === undefined ? this.#serving(relayed.model)[0] : this.#at(url);
    if (!member) throw this.#nobody(relayed.model);
    await this.#passes.run(() => member.llama.pass(asked, relayed, sink, signal));
  }

  readonly reserve: Upstreams["reserve"] = (...given) => this.#placement.reserve(...given);

  readonly release: Upstreams["release"] = (run) => this.#placement.release(run);

  async count(request: Pick<ChatRequest, "messages" | "model">, signal: AbortSignal): Promise<number | null> {
    return this.#serving(request.model)[0]?.llama.count(request, signal) ?? null;
  }

  async resume(run: RunId, fromBytes: number, deltas: Deltas, signal: AbortSignal): Promise<ChatEnd> {
    let failure: unknown = new Failure("not_found"); // whoever has it knows; the others say so at once
    for (const member of [...this.#members]) {
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
    return member.llama.freed(run).finally(() => this.#changed());
  }

  async close(): Promise<void> {
    await Promise.all(this.#members.map((member) => member.close()));
  }

  /** The one that there is, if it has one model: most houses. */
  get #only(): PoolMember | undefined {
    return this.#members.length === 1 && this.#state.models.length <= 1 ? this.#members[0] : undefined;
  }

  /** An answer that is read as Deltas; `role` is what it will be in the prompt that follows. */
  async #answered(
    wish: Wish,
    deltas: Deltas,
    role: string,
    work: (member: PoolMember, deltas: Deltas) => Promise<ChatEnd>,
  ): Promise<ChatEnd> {
    let answer = "";
    let found: ChatEnd | undefined;
    await this.#asked(wish, async (member) => {
      if (this.#only === member) {
        wish.isShown = true; // nobody else can be asked, now or later: what comes is shown as it comes, and nothing is remembered of it
        found = await work(member, deltas);
        return { parts: [], stats: found.stats };
      }
      const shown = showing(deltas, (piece) => {
        wish.isShown = true;
        answer += piece;
        member.heard(wish.run);
      });
      const { finish, stats } = await work(member, shown);
      const { model } = member.llama.facts(wish.model); // which it would be was not known before
      found = { finish, stats: model === null ? stats : { ...stats, model } };
      return { parts: [...wish.parts, role + answer], stats: found.stats };
    });
    return found as ChatEnd;
  }

  /** Asks one after the other until one has answered, or something of an answer was shown. */
  async #asked(
    wish: Wish,
    work: (member: PoolMember) => Promise<{ parts: readonly string[]; stats: RunStats }>,
  ): Promise<void> {
    const { run, model, slots, signal } = wish;
    const tried = new Set<PoolMember>();
    for (;;) {
      const only = this.#only; // it has a line of its own
      const member =
        only && !tried.has(only)
          ? only
          : await this.#placement.of(wish, () => this.#serving(model).filter((each) => !tried.has(each)));
      if (member === null) throw this.#nobody(model);
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
        if (!isTheirs || wish.isShown || this.#others(wish, ...tried).length === 0) throw error;
        this.#options.log.warn("a Run is asked for elsewhere", { run, code, url: member.llama.state.url });
        void member.llama.freed(run).then(() => this.#changed()); // its slot is looked after; nobody waits for that
      }
    }
  }

  /** Those that may be asked for a model. Where all have failed, they are asked all the same: one that answers is better than a refusal. */
  #serving(model: string | null): PoolMember[] {
    // a llama-server with one model takes no notice of what it is asked for
    const serving =
      this.#state.models.length <= 1 ? this.#members : this.#members.filter((member) => member.serves(model));
    const ready = serving.filter((member) => member.isReady);
    const sound = ready.filter((member) => !member.isPaused);
    return [sound, ready, serving].find((each) => each.length > 0) ?? [];
  }

  #others({ model }: Wish, ...tried: PoolMember[]): PoolMember[] {
    return this.#serving(model).filter((member) => member.isReady && !tried.includes(member));
  }

  #nobody(model: string | null): Failure {
    const models = this.#state.models.map(({ name }) => name).join(", ");
    return model !== null && models !== ""
      ? new Failure("model_missing", { model, models })
      : new Failure("upstream_absent", { url: this.#state.url });
  }

  #changed(): void {
    this.#placement.changed();
    this.#state = together(this.servers);
    for (const listener of this.#listeners) listener(this.#state);
  }
}
