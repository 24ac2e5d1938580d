// What the house knows of a llama-server, or of several as one: is it there, how many Slots has it, which models, how far has it come in
// starting. Plain facts for pages and logs; talking to it is upstream/'s work.

/** Progress of something that is not ready yet, in its own words. */
export interface StartProgress {
  /** 0 to 100; null when it does not say. */
  readonly percent: number | null;
  /** The last line it printed. */
  readonly line: string;
}

/** A model that a llama-server has, or can load when it is asked for. */
export interface ModelState {
  /** What it is asked for by. */
  readonly name: string;
  readonly status: "loaded" | "loading" | "unloaded" | "failed";
  /** 0 to 100 while it is being loaded, where that is said. */
  readonly percent: number | null;
  /** Concurrent requests that it serves; 1 until it has said. */
  readonly slots: number;
  /** Context of one Slot, in tokens; null until it has said. */
  readonly contextTokens: number | null;
}

export interface UpstreamState {
  readonly status: "ready" | "loading" | "absent";
  readonly url: string;
  /** Concurrent requests it serves; 1 until it has said. */
  readonly slots: number;
  /** Slots that are busy without a request of ours. */
  readonly strays: number;
  /** Context of one Slot, in tokens; null until it has said. */
  readonly contextTokens: number | null;
  /** The model's name as llama-server says it; null until it has said, and where there are several. */
  readonly model: string | null;
  /** What can be asked for; several where llama-server is a router or there are several llama-servers. */
  readonly models: readonly ModelState[];
  /** True when parlor started it and starts it again. */
  readonly ours: boolean;
  readonly progress: StartProgress | null;
}

/**
 * The address of a llama-server as an operator writes it, in one spelling: http or https, no slash at its end, without the
 * `/v1` that programs want behind it; `user:password@` stays. Null for anything else.
 */
export function llamaAddress(typed: string): string | null {
  const url = URL.parse(typed.trim());
  if (!url || !/^https?:$/.test(url.protocol) || url.search !== "" || url.hash !== "") return null;
  return url.href.replace(/\/+$/, "").replace(/\/v1$/, "").replace(/\/+$/, "");
}

/** The same without `user:password@`, as pages, logs and metrics may show it. Of a text that is no address, all up to an `@` goes. */
export function withoutCredentials(address: string): string {
  const isAddress = /^https?:$/.test(URL.parse(address)?.protocol ?? "");
  return isAddress ? address.replace(/^(\s*\w+:\/*)[^/?#\\]*@/, "$1") : address.replace(/^(\s*[a-z][a-z\d+.-]*:\/\/)?.*@/is, "$1");
}
