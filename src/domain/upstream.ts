// State of a llama-server, or of several as one: whether it answers, its slots and models, its progress while
// it starts. Plain facts for pages and logs; upstream/ does the talking.

/** Progress of a llama-server that is not ready yet. */
export interface StartProgress {
  /** 0 to 100; null when it is not known. */
  readonly percent: number | null;
  /** The last line of its output; after it has ended, the line that names the cause. */
  readonly line: string;
  /** Why it can't be started; absent while it may still succeed. */
  readonly failure?: StartFailure;
}

/** Kinds of reasons why parlor can't start a llama-server. */
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

/** What to do about each: for logs, `/readyz`, `parlor doctor` and the English page. */
export const startAdvice: Readonly<Record<StartFailure, string>> = {
  file:
    "The file is not a GGUF model. It may be a web page or a Git LFS pointer that was saved instead. " +
    "Download it again.",
  incomplete:
    "The file is incomplete or damaged. The download may have stopped early. " +
    "Download it again, and compare its size with the original's.",
  missing:
    "A file that llama-server needs does not exist, or parlor's user may not read it. " +
    "Check --model, --llama-arg and the file's permissions.",
  architecture:
    "This llama-server does not know this kind of model. " +
    "Use a newer llama-server (--llama-server PATH), or another model.",
  memory:
    "There is too little memory. Use a smaller or more quantised model, " +
    "a smaller context (--llama-arg=-c --llama-arg=4096), or fewer layers on the GPU (-ngl).",
  argument: "llama-server does not know an option that --llama-arg passes to it. Correct or remove it.",
  program:
    "The program does not run on this machine: a library is missing, or it was built for another system or " +
    "processor. Choose another program with --llama-server PATH.",
  port: "Another program uses the port of this llama-server. Stop that program.",
  other:
    "The page /admin shows everything that llama-server printed. Start it by hand with the same options to " +
    "see more.",
};

/** A model that a llama-server has, or can load when it is asked for. */
export interface ModelState {
  /** The name that requests use. */
  readonly name: string;
  readonly status: "loaded" | "loading" | "unloaded" | "failed";
  /** 0 to 100 while it is being loaded; null where this is not known. */
  readonly percent: number | null;
  /** Concurrent requests that it serves; 1 until it is known. */
  readonly slots: number;
  /** Context of one slot, in tokens; null until it is known. */
  readonly contextTokens: number | null;
  /** Whether it sees pictures; null until it is known. */
  readonly vision: boolean | null;
  /** Whether it hears recordings; null until it is known. */
  readonly hearing: boolean | null;
}

/** What a model does that does not chat: it makes vectors of texts, or ranks texts by a question. */
export type Purpose = "embed" | "rerank";

/** A model of a router that is no choice for conversations. */
export interface SpecialModel {
  readonly name: string;
  readonly purpose: Purpose;
}

export interface UpstreamState {
  readonly status: "ready" | "loading" | "absent";
  readonly url: string;
  /** Concurrent requests that it serves; 1 until it is known. */
  readonly slots: number;
  /** Slots that are busy with requests of other programs. */
  readonly foreignSlots: number;
  /** Context of one slot, in tokens; null until it is known. */
  readonly contextTokens: number | null;
  /** Whether its model sees pictures; null until it is known, and where there are several models. */
  readonly vision: boolean | null;
  /** Whether it hears recordings; null until it is known. */
  readonly hearing: boolean | null;
  /** The model's name in llama-server; null until it is known, and where there are several models. */
  readonly model: string | null;
  /**
   * Models that requests may name; several where llama-server is a router, or there are several
   * llama-servers.
   */
  readonly models: readonly ModelState[];
  /** Models of a router that don't chat; absent where there are none. */
  readonly special?: readonly SpecialModel[];
  /** True when parlor runs it: starts it, and restarts it when it ends. */
  readonly ours: boolean;
  readonly progress: StartProgress | null;
}

/** A llama-server that was named for another purpose than conversations. */
export interface SpecialServer extends UpstreamState {
  readonly purpose: Purpose;
}

/**
 * The address of a llama-server in canonical spelling: http or https, without a final slash, without the
 * `/v1` that API clients need. Keeps `user:password@`. Null for anything else.
 */
export function llamaAddress(typed: string): string | null {
  const url = URL.parse(typed.trim());
  if (!url || !/^https?:$/.test(url.protocol) || url.search !== "" || url.hash !== "") return null;
  return url.href.replace(/\/+$/, "").replace(/\/v1$/, "").replace(/\/+$/, "");
}

/** This machine, and addresses that are not routed outside of a network (RFC 1918, 3927, 4193, 4291, 6762). */
const ofTheHouse = [
  /^(.+\.)?localhost$/,
  /^.+\.(local|lan|home\.arpa|internal)$/,
  /^(127|10)\.[\d.]+$/,
  /^(192\.168|169\.254|172\.(1[6-9]|2\d|3[01]))\.[\d.]+$/,
  /^\[(::1|f[cd][\da-f]{2}:.*|fe[89ab][\da-f]:.*)\]$/,
  /^\[::ffff:(7f[\da-f]{2}|a[\da-f]{2}|c0a8|a9fe|ac1[\da-f]):[\da-f]+\]$/, // IPv4 addresses as above
];

/** Host name and port of an address outside of the house; null for this machine and private addresses. */
export function machineOf(address: string): string | null {
  const { hostname, host } = new URL(address);
  return ofTheHouse.some((pattern) => pattern.test(hostname)) ? null : host;
}

/**
 * The address without `user:password@`, for pages, logs and metrics. Of a text that is not an address,
 * everything up to the last `@` is removed.
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

/** What is known of a model, or of all models that may answer. */
export type ModelFacts = Pick<UpstreamState, "model" | "contextTokens" | "slots" | "vision" | "hearing">;
