// What the house knows of a llama-server, or of several as one: is it there, how many Slots has it, which
// models, how far has it come in starting. Plain facts for pages and logs; talking to it is upstream/'s work.

/** Progress of something that is not ready yet, in its own words. */
export interface StartProgress {
  /** 0 to 100; null when it does not say. */
  readonly percent: number | null;
  /** The last line it printed; of one that has ended, the line that names the cause. */
  readonly line: string;
  /** It can't be started, for this kind of reason; absent while there is hope. */
  readonly failure?: StartFailure;
}

/** Kinds of reasons for which a llama-server of ours can't be started. */
export type StartFailure =
  | "file"
  | "incomplete"
  | "missing"
  | "architecture"
  | "memory"
  | "argument"
  | "program"
  | "port"
  | "other";

/** What to do about each: for logs, `/readyz` and `parlor doctor`, and as the page's English words. */
export const startAdvice: Readonly<Record<StartFailure, string>> = {
  file:
    "The file is not a GGUF model: it may be a web page, or a pointer to the file, that was saved in its place. " +
    "Download it again.",
  incomplete:
    "The file is incomplete or damaged: the download may have been cut short. " +
    "Download it again, and compare its size with the original's.",
  missing:
    "A file that it needs is not there, or parlor's user may not read it. " +
    "Check --model, --llama-arg and the file's permissions.",
  architecture:
    "This llama-server does not know this kind of model. " +
    "Use a newer llama-server (--llama-server PATH), or another model.",
  memory:
    "There is too little memory. Use a smaller or more quantised model, " +
    "a smaller context (--llama-arg=-c --llama-arg=4096), or fewer layers on the GPU (-ngl).",
  argument: "It does not take an option that --llama-arg passes to it. Correct or remove that option.",
  program:
    "The program does not run on this machine: a library is missing, or it was built for another system or " +
    "processor. Choose another with --llama-server PATH.",
  port: "Another program uses its port. End that program.",
  other:
    "The page /admin shows everything it printed; starting it by hand with the same options may show more.",
};

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
  readonly foreignSlots: number;
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
 * The address of a llama-server as an operator writes it, in one spelling: http or https, no slash at its
 * end, without the `/v1` that programs want behind it; `user:password@` stays. Null for anything else.
 */
export function llamaAddress(typed: string): string | null {
  const url = URL.parse(typed.trim());
  if (!url || !/^https?:$/.test(url.protocol) || url.search !== "" || url.hash !== "") return null;
  return url.href.replace(/\/+$/, "").replace(/\/v1$/, "").replace(/\/+$/, "");
}

/** The machine that an address leads to; null for this one. */
export function machineOf(address: string): string | null {
  const { hostname, host } = new URL(address);
  return /^(localhost|.*\.localhost|127\.[\d.]+|\[::1\]|\[::ffff:7f[\da-f:]+\])$/.test(hostname)
    ? null
    : host;
}

/**
 * The same without `user:password@`, as pages, logs and metrics may show it. Of a text that is no address,
 * all up to an `@` goes.
 */
export function withoutCredentials(address: string): string {
  const isAddress = /^https?:$/.test(URL.parse(address)?.protocol ?? "");
  return isAddress
    ? address.replace(/^(\s*\w+:\/*)[^/?#\\]*@/, "$1")
    : address.replace(/^(\s*[a-z][a-z\d+.-]*:\/\/)?.*@/is, "$1");
}

/**
 * A text that was meant for an address and can't be used, without what may be a secret in it: all up to its
 * last `@`, and a query.
 */
export const withoutSecrets = (text: string): string =>
  text.replace(/^(\s*[a-z][a-z\d+.-]*:\/*)?.*@/is, "$1").replace(/([?#]).*/s, "$1…");
