// Watches a llama-server: is it there, how many Slots has it and which models, is a Slot idle again. Believes
// /slots, not our own abort: llama-server notices a closed connection late while it reads a prompt
// (ggml-org/llama.cpp#15232) and has held slots for requests that were gone (#24496).

import type { ModelState, StartProgress, UpstreamState } from "../domain/upstream.ts";
import type { Log } from "../telemetry/log.ts";
import { ForeignLoad } from "./foreign-load.ts";
import { jsonOf, send, type Target } from "./http.ts";
import { listenToModels, type ModelChange } from "./model-events.ts";
import { childOf, contextOf, routed, type ServerFacts, slotsOf } from "./models.ts";

export interface SlotWatchBounds {
  /** Between two looks while it is not ready. */
  readonly pollMs: number;
  /** Between two looks while it is ready. */
  readonly pollReadyMs: number;
  /** How long one look may take. */
  readonly probeMs: number;
  /** How long a stopped Run's slot is watched until it is idle. */
  readonly stopMs: number;
}

/** A llama-server of our own, as far as the watch needs it: how it is doing before it answers. */
export interface StartingChild {
  readonly progress: StartProgress | null;
  /** Its process id; null while none runs. */
  readonly pid: number | null;
  onChange(listener: () => void): void;
}

interface SlotWatchOptions extends SlotWatchBounds {
  readonly target: Target;
  readonly log: Log;
  readonly child?: StartingChild;
  /** Slots that requests of ours hold now. */
  ours(): number;
}

/** The parts of /props that are read here; none is believed to be what it should. */
interface Props {
  total_slots?: unknown;
  model_alias?: unknown;
  model_path?: unknown;
  default_generation_settings?: { n_ctx?: unknown } | null;
  /** `router` for one that loads models when they are asked for. */
  role?: unknown;
}

/** Between two looks at /slots after a stop, in ms: a slot is free within one token, which is tens of ms at most. */
const freedPollMs = 20;

/**
 * Between two looks for an answer in one piece, in ms. llama-server asks whether anybody still waits for such a one only when it has been asked nothing else
 * for a second (its server_response::recv_with_timeout begins that second anew at each answer to anybody): looks must not keep it from that.
 */
const onePiecePollMs = 1_200;

export class SlotWatch {
  readonly #options: SlotWatchOptions;
  readonly #listeners = new Set<(state: UpstreamState) => void>();
  readonly #strays: ForeignLoad;
  #state: UpstreamState;
  #timer: Timer | null = null;
  #looking: Promise<void> | null = null;
  #closed = false;
  #isRouter = false;
  /** Answers in one piece that nobody waits for any more: no other looks meanwhile. */
  #quiet = 0;
  #isListening = false;
  readonly #end = new AbortController();

  constructor(options: SlotWatchOptions) {
    this.#options = options;
    this.#state = {
      status: "absent",
      url: options.target.url,
      slots: 1,
      strays: 0,
      contextTokens: null,
      model: null,
      models: [],
      ours: options.child !== undefined,
      progress: this.progress,
    };
    this.#strays = new ForeignLoad({
      ...{ log: options.log, url: options.target.url, everyMs: options.pollReadyMs, ours: options.ours },
      busySlots: () => this.busySlots(),
      isReady: () => this.#state.status === "ready" && this.#quiet === 0,
      changed: () => this.#set(this.#state),
    });
    const { child } = options;
    // it goes on talking while it serves: that is no news
    child?.onChange(() => (this.#state.status !== "ready" || child.pid === null) && this.doubt());
    this.doubt();
  }

  get state(): UpstreamState {
    return this.#state;
  }

  get progress(): StartProgress | null {
    return this.#options.child?.progress ?? null;
  }

  onChange(listener: (state: UpstreamState) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Looks now instead of at the next tick; does nothing while a look is under way. */
  doubt(): void {
    if (this.#closed || this.#looking) return;
    if (this.#timer) clearTimeout(this.#timer);
    const look = this.#look().catch(() => this.#set({ ...this.#state, status: "absent" })); // what it says makes no sense
    this.#looking = look.finally(() => {
      this.#looking = null;
      if (!this.#closed)
        this.#timer = setTimeout(
          () => this.doubt(),
          this.#state.status === "ready" ? this.#options.pollReadyMs : this.#options.pollMs,
        );
    });
  }

  close(): void {
    this.#closed = true;
    this.#strays.close();
    this.#end.abort();
    if (this.#timer) clearTimeout(this.#timer);
    this.#listeners.clear();
  }

  /** See `Upstream.freed`; `othersRunning` are the requests of ours that hold a slot and keep it. */
  async freed(othersRunning: () => number, { isInOnePiece }: { isInOnePiece: boolean }): Promise<boolean> {
    const deadline = performance.now() + this.#options.stopMs;
    const before = this.#strays.count; // one that is found meanwhile may be this one
    this.#quiet += isInOnePiece ? 1 : 0;
    try {
      for (;;) {
        if (isInOnePiece) await Bun.sleep(onePiecePollMs);
        const busy = await this.#busySlots();
        if (
          busy === "gone" ||
          (busy !== "unknown" && busy <= othersRunning() + Math.min(before, this.#strays.count))
        )
          return true;
        if (performance.now() > deadline) break;
        if (!isInOnePiece) await Bun.sleep(freedPollMs);
      }
    } finally {
      this.#quiet -= isInOnePiece ? 1 : 0;
    }
    this.#strays.found();
    return false;
  }

  /** Slots that it shows as busy now; null when it can't be known, 0 when it does not tell. */
  async busySlots(): Promise<number | null> {
    const busy = await this.#busySlots();
    return busy === "gone" ? 0 : busy === "unknown" ? null : busy;
  }

  async #busySlots(): Promise<number | "gone" | "unknown"> {
    const { models } = this.#state;
    if (!this.#isRouter) return this.#busyAt("/slots");
    const busy = await Promise.all(
      models
        .filter(({ status }) => status === "loaded")
        .map(({ name }) => this.#busyAt(`/slots?${childOf(name)}`)),
    );
    // "gone" of one model is that it has been unloaded
    return busy.some((each) => each === "unknown")
      ? "unknown"
      : busy.reduce((sum: number, each) => sum + Number(each === "gone" ? 0 : each), 0);
  }

  async #busyAt(path: string): Promise<number | "gone" | "unknown"> {
    const response = await this.#get(path);
    if (response === null)
      return this.#closed ? "gone" : (await this.#get("/health")) === null ? "gone" : "unknown";
    // it does not tell everybody (--no-slots, a key): then nothing can be claimed, and nothing is gained by waiting
    if ([400, 401, 403, 404, 501].includes(response.status)) return "gone";
    const slots = response.json;
    return Array.isArray(slots)
      ? slots.filter((slot: { is_processing?: unknown } | null) => slot?.is_processing === true).length
      : "unknown";
  }

  async #look(): Promise<void> {
    const health = await this.#get("/health");
    const ours = this.#options.child !== undefined;
    const { slots, contextTokens, model, models, strays } = this.#state;
    const base = { url: this.#options.target.url, ours, slots, strays, contextTokens, model, models };
    if (health?.status === 200)
      this.#set({ ...base, status: "ready", progress: null, ...(await this.#said()) });
    else if (health?.status === 503 || (ours && this.progress))
      this.#set({ ...base, status: "loading", progress: this.progress });
    else this.#set({ ...base, status: "absent", progress: this.progress });
  }

  async #said(): Promise<ServerFacts> {
    const props = (await this.#json("/props")) as Props | null;
    this.#isRouter = props?.role === "router";
    if (this.#isRouter) {
      this.#listen();
      return routed((path) => this.#json(path), this.#state.models);
    }
    const name = [props?.model_alias, props?.model_path].find((each) => typeof each === "string");
    const slots = slotsOf(props) ?? this.#state.slots;
    const contextTokens = contextOf(props) ?? this.#state.contextTokens;
    const model = name?.split("/").at(-1) ?? this.#state.model;
    const models: ModelState[] =
      model === null ? [] : [{ name: model, status: "loaded", percent: null, slots, contextTokens }];
    return { slots, contextTokens, model, models };
  }

  /** A router tells what becomes of its models as it happens; what a model that is loaded now says of itself is asked for. */
  #listen(): void {
    if (this.#isListening) return;
    this.#isListening = true;
    const changed = (change: ModelChange) => {
      this.#set({
        ...this.#state,
        models: this.#state.models.map((each) => (each.name === change.name ? { ...each, ...change } : each)),
      });
      if (change.status === "loaded") this.doubt();
    };
    void listenToModels(this.#options.target, changed, this.#end.signal).then(() => {
      this.#isListening = false;
    });
  }

  async #json(path: string): Promise<unknown> {
    const found = await this.#get(path);
    return found !== null && found.status >= 200 && found.status < 300 ? found.json : null;
  }

  /** What stands at a path: its status and its JSON (null for anything else); null when nobody answered in time. */
  async #get(path: string): Promise<{ status: number; json: unknown } | null> {
    const within = AbortSignal.timeout(this.#options.probeMs);
    try {
      const response = await send(this.#options.target, { method: "GET", path }, within);
      return { status: response.status, json: await jsonOf(response, within) };
    } catch {
      return null;
    }
  }

  #set(said: UpstreamState): void {
    const state = { ...said, strays: this.#strays.count };
    if (this.#closed || Bun.deepEquals(state, this.#state)) return;
    this.#state = state;
    for (const listener of this.#listeners) listener(state);
  }
}
