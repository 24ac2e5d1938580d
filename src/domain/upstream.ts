// What the house knows of a llama-server: is it there, how many Slots has it, how far has it come in starting.
// Plain facts for pages and logs; talking to it is upstream/'s work.

/** Progress of something that is not ready yet, in its own words. */
export interface StartProgress {
  /** 0 to 100; null when it does not say. */
  readonly percent: number | null;
  /** The last line it printed. */
  readonly line: string;
}

export interface UpstreamState {
  readonly status: "ready" | "loading" | "absent";
  readonly url: string;
  /** Concurrent requests it serves; 1 until it has said. */
  readonly slots: number;
  /** Context of one Slot, in tokens; null until it has said. */
  readonly contextTokens: number | null;
  /** The model's name as llama-server says it; null until it has said. */
  readonly model: string | null;
  /** True when parlor started it and starts it again. */
  readonly ours: boolean;
  readonly progress: StartProgress | null;
}
