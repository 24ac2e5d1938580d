// Watches a llama-server: its status, its number of slots, its models, and whether a slot is idle again.
// Trusts /slots instead of parlor's own abort: llama-server notices a closed connection late while it reads a
// prompt (ggml-org/llama.cpp#15232) and has held slots for requests that were gone (#24496).
// The requests themselves are in upstream/probe.

import type { ModelState, StartProgress, UpstreamState } from "../domain/upstream.ts";
import type { Log } from "../telemetry/log.ts";
import { ForeignLoad } from "./foreign-load.ts";
import type { Target } from "./http.ts";
import { listenToModels, type ModelChange } from "./model-events.ts";
import { contextOf, modalityOf, routed, type ServerFacts, slotsOf } from "./models.ts";
import { Probe } from "./probe.ts";

export interface SlotWatchBounds {
  /** Pause between two checks while the server is not ready. */
  readonly pollMs: number;
  /** Pause between two checks while the server is ready. */
  readonly pollReadyMs: number;
  /** Longest time for one request of a check. */
  readonly probeMs: number;
  /** How long to wait for the slot of a stopped request to become idle. */
  readonly stopMs: number;
}

/** A llama-server that parlor has started: its progress until it answers over HTTP. */
export interface StartingChild {
  readonly progress: StartProgress | null;
  /** Process id; null while no process runs. */
  readonly pid: number | null;
  onChange(listener: () => void): void;
}

interface SlotWatchOptions extends SlotWatchBounds {
  readonly target: Target;
  readonly log: Log;
  readonly child?: StartingChild;
  /** Slots that requests of parlor hold now. */
  heldSlots(): number;
}

/** The fields of /props that are read here. Their types are checked before use. */
interface Props {
  total_slots?: unknown;
  model_alias?: unknown;
  model_path?: unknown;
  default_generation_settings?: { n_ctx?: unknown } | null;
  /** `router` in the mode that loads models on demand. */
  role?: unknown;
}

/**
 * Pause between two reads of /slots after a stop, in ms. A slot is free within one token: tens of ms at most.
 */
const freedPollMs = 20;

/**
 * The same pause for a request whose answer was not streamed, in ms. llama-server checks whether such a
 * client is still connected only after it has received no other request for a second
 * (server_response::recv_with_timeout restarts that second with each answer to any client). Polling faster
 * would prevent the check.
 */
const notStreamedPollMs = 1_200;

export class SlotWatch {
  readonly #options: SlotWatchOptions;
  readonly #listeners = new Set<(state: UpstreamState) => void>();
  readonly #foreign: ForeignLoad;
  readonly #probe: Probe;
  #state: UpstreamState;
  #timer: Timer | null = null;
  #checking: Promise<void> | null = null;
  #closed = false;
  #isRouter = false;
  /** Ended requests without a stream whose slots are awaited; no other reads of /slots meanwhile. */
  #quiet = 0;
  #isListening = false;
  /** A router's events since the last check began, by model: what that check reads may be older. */
  readonly #heard = new Map<string, ModelChange>();
  /** Something has happened that the check under way may not have read. */
  #mustCheckAgain = false;
  readonly #end = new AbortController();

  constructor(options: SlotWatchOptions) {
    this.#options = options;
    this.#probe = new Probe(options.target, options.probeMs);
    this.#state = {
      status: "absent",
      url: options.target.url,
      slots: 1,
      foreignSlots: 0,
      contextTokens: null,
      vision: null,
      hearing: null,
      model: null,
      models: [],
      ours: options.child !== undefined,
      progress: this.progress,
    };
    this.#foreign = new ForeignLoad({
      ...{ log: options.log, url: options.target.url, everyMs: options.pollReadyMs },
      heldSlots: options.heldSlots,
      busySlots: () => this.busySlots(),
      isReady: () => this.#state.status === "ready" && this.#quiet === 0,
      changed: () => this.#set(this.#state),
    });
    const { child } = options;
    // a ready server keeps printing lines; they change nothing
    child?.onChange(() => (this.#state.status !== "ready" || child.pid === null) && this.checkNow());
    this.checkNow();
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

  /** Checks the server now instead of at the next tick; does nothing while a check is under way. */
  checkNow(): void {
    if (this.#closed || this.#checking) return;
    if (this.#timer) clearTimeout(this.#timer);
    // a check throws when an answer makes no sense
    const check = this.#check().catch(() => this.#set({ ...this.#state, status: "absent" }));
    this.#checking = check.finally(() => {
      this.#checking = null;
      if (this.#closed) return;
      const pauseMs = this.#state.status === "ready" ? this.#options.pollReadyMs : this.#options.pollMs;
      this.#timer = setTimeout(() => this.checkNow(), this.#mustCheckAgain ? 0 : pauseMs);
    });
  }

  close(): void {
    this.#closed = true;
    this.#foreign.close();
    this.#end.abort();
    this.#probe.close();
    if (this.#timer) clearTimeout(this.#timer);
    this.#listeners.clear();
  }

  /**
   * Waits until a slot is idle again; see `Slot.release`.
   * @param othersRunning slots of parlor's requests that still run
   */
  async freed(othersRunning: () => number, { isStream }: { isStream: boolean }): Promise<boolean> {
    const deadline = performance.now() + this.#options.stopMs;
    const before = this.#foreign.count; // a foreign slot that is found meanwhile may be this one
    this.#quiet += isStream ? 0 : 1;
    try {
      for (;;) {
        if (!isStream) await Bun.sleep(notStreamedPollMs);
        const busy = await this.#readBusySlots();
        if (
          busy === "gone" ||
          (busy !== "unknown" && busy <= othersRunning() + Math.min(before, this.#foreign.count))
        )
          return true;
        if (performance.now() > deadline) break;
        if (isStream) await Bun.sleep(freedPollMs);
      }
    } finally {
      this.#quiet -= isStream ? 0 : 1;
    }
    this.#foreign.found();
    return false;
  }

  /** Slots that are busy now; null when that can't be known, 0 when the server does not tell. */
  async busySlots(): Promise<number | null> {
    const busy = await this.#readBusySlots();
    return busy === "gone" ? 0 : busy === "unknown" ? null : busy;
  }

  #readBusySlots() {
    const loaded = this.#state.models.filter(({ status }) => status === "loaded").map(({ name }) => name);
    return this.#probe.busySlots(this.#isRouter ? loaded : null);
  }

  async #check(): Promise<void> {
    this.#heard.clear();
    this.#mustCheckAgain = false;
    const health = await this.#probe.get("/health");
    const ours = this.#options.child !== undefined;
    const base = { ...this.#state, ours };
    if (health?.status === 200)
      this.#set({ ...base, status: "ready", progress: null, ...(await this.#facts()) });
    else if (health?.status === 503 || (ours && this.progress))
      this.#set({ ...base, status: "loading", progress: this.progress });
    else this.#set({ ...base, status: "absent", progress: this.progress });
  }

  async #facts(): Promise<ServerFacts> {
    const props = (await this.#probe.json("/props")) as Props | null;
    this.#isRouter = props?.role === "router";
    if (this.#isRouter) {
      this.#listen();
      const facts = await routed((path) => this.#probe.json(path), this.#state.models);
      return { ...facts, models: facts.models.map((each) => ({ ...each, ...this.#heard.get(each.name) })) };
    }
    const name = [props?.model_alias, props?.model_path].find((each) => typeof each === "string");
    const slots = slotsOf(props) ?? this.#state.slots;
    const contextTokens = contextOf(props) ?? this.#state.contextTokens;
    const model = name?.split("/").at(-1) ?? this.#state.model;
    const vision = modalityOf(props, "vision") ?? this.#state.vision;
    const hearing = modalityOf(props, "audio") ?? this.#state.hearing;
    const models: ModelState[] =
      model === null
        ? []
        : [{ name: model, status: "loaded", percent: null, slots, contextTokens, vision, hearing }];
    return { slots, contextTokens, vision, hearing, model, models };
  }

  /**
   * Follows a router's events about its models. The properties of a newly loaded model are fetched with a
   * check.
   */
  #listen(): void {
    if (this.#isListening) return;
    this.#isListening = true;
    const { log, target } = this.#options;
    const opened = () => log.debug("parlor follows the models of a router", { url: target.url });
    const changed = (change: ModelChange) => {
      if (this.#checking) this.#heard.set(change.name, change);
      this.#set({
        ...this.#state,
        models: this.#state.models.map((each) => (each.name === change.name ? { ...each, ...change } : each)),
      });
      if (change.status !== "loaded") return;
      this.#mustCheckAgain = true;
      this.checkNow();
    };
    void listenToModels(target, { opened, changed }, this.#end.signal).then(() => {
      this.#isListening = false;
    });
  }

  #set(found: UpstreamState): void {
    const state = { ...found, foreignSlots: this.#foreign.count };
    if (this.#closed || Bun.deepEquals(state, this.#state)) return;
    this.#state = state;
    for (const listener of this.#listeners) listener(state);
  }
}
