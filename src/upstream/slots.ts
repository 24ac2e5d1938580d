// Watches a llama-server: is it there, how many Slots has it, is a Slot idle again.
// Believes /slots, not our own abort: llama-server notices a closed connection late while it reads a prompt
// (ggml-org/llama.cpp#15232) and has held slots for requests that were gone (#24496). Used by upstream/llama only.

import type { StartProgress, UpstreamState } from "../domain/upstream.ts";

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
  readonly url: string;
  readonly headers: Record<string, string>;
  readonly child?: StartingChild;
}

/** The parts of /props that are read here; none is believed to be what it should. */
interface Props {
  total_slots?: unknown;
  model_alias?: unknown;
  model_path?: unknown;
  /** `n_ctx` is that of one slot. */
  default_generation_settings?: { n_ctx?: unknown } | null;
}

/** Between two looks at /slots after a stop, in ms: a slot is free within one token, which is tens of ms at most. */
const freedPollMs = 20;

export class SlotWatch {
  readonly #options: SlotWatchOptions;
  readonly #listeners = new Set<(state: UpstreamState) => void>();
  #state: UpstreamState;
  #timer: Timer | null = null;
  #looking: Promise<void> | null = null;
  #closed = false;

  constructor(options: SlotWatchOptions) {
    this.#options = options;
    this.#state = {
      status: "absent",
      url: options.url,
      slots: 1,
      contextTokens: null,
      model: null,
      ours: options.child !== undefined,
      progress: this.progress,
    };
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
      if (!this.#closed) this.#timer = setTimeout(() => this.doubt(), this.#state.status === "ready" ? this.#options.pollReadyMs : this.#options.pollMs);
    });
  }

  close(): void {
    this.#closed = true;
    if (this.#timer) clearTimeout(this.#timer);
    this.#listeners.clear();
  }

  /** See `Upstream.freed`. */
  async freed(othersRunning: () => number): Promise<boolean> {
    const deadline = performance.now() + this.#options.stopMs;
    for (;;) {
      const busy = await this.#busySlots();
      if (busy === "gone" || (busy !== "unknown" && busy <= othersRunning())) return true;
      if (performance.now() > deadline) return false;
      await Bun.sleep(freedPollMs);
    }
  }

  /** See `Upstream.busySlots`. */
  async busySlots(): Promise<number | null> {
    const busy = await this.#busySlots();
    return busy === "gone" ? 0 : busy === "unknown" ? null : busy;
  }

  async #busySlots(): Promise<number | "gone" | "unknown"> {
    const response = await this.#get("/slots");
    if (response === null) return this.#closed ? "gone" : (await this.#get("/health")) === null ? "gone" : "unknown";
    // it does not tell everybody (--no-slots, a key): then nothing can be claimed, and nothing is gained by waiting
    if ([401, 403, 404, 501].includes(response.status)) return "gone";
    if (!response.ok) return "unknown";
    const slots = await readJson(response);
    return Array.isArray(slots) ? slots.filter((slot: { is_processing?: unknown } | null) => slot?.is_processing === true).length : "unknown";
  }

  async #look(): Promise<void> {
    const health = await this.#get("/health");
    const ours = this.#options.child !== undefined;
    const { slots, contextTokens, model } = this.#state;
    const base = { url: this.#options.url, ours, slots, contextTokens, model };
    if (health?.ok) {
      const props = await this.#props();
      this.#set({ ...base, status: "ready", progress: null, ...props });
    } else if (health?.status === 503 || (ours && this.progress)) {
      this.#set({ ...base, status: "loading", progress: this.progress });
    } else this.#set({ ...base, status: "absent", progress: this.progress });
  }

  async #props(): Promise<Pick<UpstreamState, "slots" | "contextTokens" | "model">> {
    const response = await this.#get("/props");
    const props = response?.ok ? ((await readJson(response)) as Props | null) : null;
    const name = [props?.model_alias, props?.model_path].find((each) => typeof each === "string");
    const slots = Number.isInteger(props?.total_slots) ? (props?.total_slots as number) : this.#state.slots;
    const given = props?.default_generation_settings?.n_ctx;
    const contextTokens = Number.isInteger(given) && (given as number) > 0 ? (given as number) : this.#state.contextTokens;
    return { slots: Math.max(1, slots), contextTokens, model: name?.split("/").at(-1) ?? this.#state.model };
  }

  /** null when nobody answered in time. */
  async #get(path: string): Promise<Response | null> {
    try {
      const { url, headers, probeMs } = this.#options;
      return await fetch(url + path, { headers, signal: AbortSignal.timeout(probeMs), redirect: "manual", keepalive: false });
    } catch {
      return null;
    }
  }

  #set(state: UpstreamState): void {
    if (this.#closed || Bun.deepEquals(state, this.#state)) return;
    this.#state = state;
    for (const listener of this.#listeners) listener(state);
  }
}

async function readJson(response: Response): Promise<unknown> {
  try {
    return await response.json();
  } catch {
    return null;
  }
}
