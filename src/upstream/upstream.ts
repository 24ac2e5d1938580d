// Contract of what answers: a conversation goes in, pieces of the answer come out, a Slot comes back. One llama-server (upstream/llama) or
// several as one (upstream/pool). Everything that goes wrong leaves here as a Failure.

import type { Role } from "../domain/conversation.ts";
import type { RunId } from "../domain/id.ts";
import type { Sampling } from "../domain/persona.ts";
import type { PromptProgress, RunStats } from "../domain/run.ts";
import type { UpstreamState } from "../domain/upstream.ts";

/** One message as llama-server wants it. */
export interface ChatMessage {
  readonly role: Role | "system";
  readonly content: string;
}

/** What an answer is asked for with. What is absent is llama-server's own choice. */
export interface ChatRequest {
  readonly messages: readonly ChatMessage[];
  readonly sampling: Sampling;
  readonly model: string | null;
}

/** What arrives while an answer is made; each call carries all that one network read brought. */
export interface Deltas {
  text(text: string): void;
  reasoning(text: string): void;
  prompt(progress: PromptProgress): void;
  /** What was given so far stands in this many bytes of the stream, from its beginning: there it can be taken up. */
  streamed?(bytes: number): void;
}

/** What is known when an answer is complete. */
export interface ChatEnd {
  /** `stop`, `length`, `tool_calls`, as llama-server words it. */
  readonly finish: string;
  readonly stats: RunStats;
}

/** What a request is known by. */
export interface RequestId {
  readonly run: RunId;
  /** What the wish is called in logs. */
  readonly request: string;
}

/** A program's request, to be passed on as it is. */
export interface Relayed {
  readonly method: "GET" | "POST" | "DELETE";
  /** With its query. */
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Uint8Array<ArrayBuffer>;
  readonly model: string | null;
  /** The answer comes as events; else in one piece. */
  readonly isStream: boolean;
  /** Slots that it takes at once; more than the llama-server has are as many as it has. */
  readonly slots: number;
  /** The parts of its prompt in their order, as far as they can be told: who has read the most of them has the least to read. */
  readonly parts: readonly string[];
}

/** Where the answer to a Relayed goes, as it comes. */
export interface RelaySink {
  head(status: number, headers: Headers): void;
  /** Bytes of the body; the sink's own. A promise is waited for before more is read from llama-server. */
  body(bytes: Uint8Array): Promise<void> | undefined;
}

export interface Upstream {
  /** Of all llama-servers together. */
  readonly state: UpstreamState;
  /** Of each. */
  readonly servers: readonly UpstreamState[];

  /** Calls `listener` at each later change of `state` or `servers`. Returns the function that ends it. */
  watch(listener: (state: UpstreamState) => void): () => void;

  /** What holds for a request for this model (null: whichever is there): the model's name as it will be called, the context of a Slot, the most Slots that one llama-server has for it. */
  facts(model: string | null): Pick<UpstreamState, "model" | "contextTokens" | "slots">;

  /** A request for this model would find its Slots now (one, unless it needs several), or would be refused at once. */
  hasRoom(model: string | null, slots?: number): boolean;

  /**
   * One streaming request; a last message of the assistant is gone on with. Rejects with the signal's reason when it is
   * aborted, which ends the generation. Where llama-server can, the stream outlives this process under the Run's id.
   * @throws Failure `upstream_*`, `model_missing`, `context_overflow`
   */
  chat(asked: RequestId, request: ChatRequest, deltas: Deltas, signal: AbortSignal): Promise<ChatEnd>;

  /** The same for a prompt that bears its own template: `POST /completion`. @throws as `chat` */
  complete(asked: RequestId, prompt: string, deltas: Deltas, signal: AbortSignal): Promise<ChatEnd>;

  /**
   * Passes a request on, and its answer back, whatever its status. Rejects with the signal's reason when it is aborted, which ends the generation.
   * @throws Failure `upstream_absent`, `upstream_cut`, `upstream_stalled`, `model_missing`
   */
  relay(asked: RequestId, relayed: Relayed, sink: RelaySink, signal: AbortSignal): Promise<void>;

  /**
   * Passes on what is answered without a slot, such as a list or a count; to the llama-server at `url` (as `servers` names it)
   * where that is given. @throws as `relay`, `queue_full` when too many are under way
   */
  pass(asked: RequestId, relayed: Relayed, sink: RelaySink, signal: AbortSignal, url?: string): Promise<void>;

  /** A Run has been given its Slot (or several) and will ask for this model: the Slot is not free any more, though nothing was asked yet. Until it asks, or `release`. */
  reserve(run: RunId, model: string | null, slots?: number): void;

  /** A Run that was given a Slot is over. */
  release(run: RunId): void;

  /**
   * Tokens of these messages with everything that the model's template adds, as llama-server itself counts them; null when it
   * can't, whatever the reason: the request itself will tell it.
   * @throws Failure `upstream_stalled`, or the signal's reason when it is aborted
   */
  count(request: Pick<ChatRequest, "messages" | "model">, signal: AbortSignal): Promise<number | null>;

  /**
   * Takes up the stream of a Run that a process before this one began, behind `fromBytes` of it (see `Deltas.streamed`).
   * llama-server keeps the last 4 MiB of a stream.
   * @throws Failure `not_found` when no llama-server has it (any more); else as `chat`
   */
  resume(run: RunId, fromBytes: number, deltas: Deltas, signal: AbortSignal): Promise<ChatEnd>;

  /**
   * After a request that did not reach its end: waits until the llama-server that had it shows its slot idle, for a bounded time.
   * True when it did (or when it is gone, which frees every slot), false when the bound passed first.
   */
  freed(run: RunId): Promise<boolean>;

  close(): Promise<void>;
}

/** Several llama-servers as one, of which some may come and go. */
export interface Upstreams extends Upstream {
  /** Uses those at these addresses from now on, beside those of ours; what another has begun runs to its end there. */
  use(urls: readonly string[]): void;
  /** What one of ours has printed lately; empty for any other. */
  logOf(url: string): readonly string[];
}
