// Contract of the model servers: a Slot is taken, a prompt goes in, pieces of the answer come out. The
// adapter is upstream/pool: one llama-server, or several as one. Every error is a Failure.

import type { Role } from "../domain/conversation.ts";
import type { RunId } from "../domain/id.ts";
import type { PartKind } from "../domain/part.ts";
import type { Sampling } from "../domain/persona.ts";
import type { PromptProgress, RunStats } from "../domain/run.ts";
import type { ModelFacts, UpstreamState } from "../domain/upstream.ts";

/** A piece of a message that is not its text alone. A picture is a `data:` address. */
export type ContentPiece =
  | { readonly type: "text"; readonly text: string }
  | { readonly type: "image_url"; readonly image_url: { readonly url: string } }
  /** `data` in Base64. */
  | {
      readonly type: "input_audio";
      readonly input_audio: { readonly data: string; readonly format: "wav" | "mp3" };
    };

export type Content = string | readonly ContentPiece[];

/** One message in llama-server's format. */
export interface ChatMessage {
  readonly role: Role | "system";
  readonly content: Content;
}

/** A chat request. An absent setting is left to llama-server. */
export interface ChatRequest {
  readonly messages: readonly ChatMessage[];
  readonly sampling: Sampling;
  readonly model: string | null;
}

/** Receives an answer while it is generated: at most one call per kind and network read. */
export interface Deltas {
  part(kind: PartKind, piece: string): void;
  prompt(progress: PromptProgress): void;
  /**
   * Bytes of the stream, from its beginning, that hold everything delivered so far: `resume` can continue
   * there.
   */
  streamed?(bytes: number): void;
}

/** The end of a complete answer. */
export interface ChatEnd {
  /** `stop`, `length`, `tool_calls`, in llama-server's words. */
  readonly finish: string;
  readonly stats: RunStats;
}

/** Identifies a request, to llama-server and in logs. */
export interface RequestId {
  readonly run: RunId;
  /** Id of the HTTP request or socket message in logs; empty for none. */
  readonly request: string;
}

/** A program's request, to be passed on unchanged. */
export interface Relayed {
  readonly method: "GET" | "POST" | "DELETE";
  /** Path and query. */
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Uint8Array<ArrayBuffer>;
  readonly model: string | null;
  /** The answer is a stream of events; otherwise it comes in one piece. */
  readonly isStream: boolean;
  /**
   * The parts of the prompt in their order, as far as they are known: the server that has read most of them
   * is preferred.
   */
  readonly parts: readonly string[];
}

/** Receives the answer to a Relayed while it arrives. */
export interface RelaySink {
  head(status: number, headers: Headers): void;
  /**
   * Bytes of the body, which the sink may keep. While a returned promise is pending, nothing is read from
   * llama-server.
   */
  body(bytes: Uint8Array): Promise<void> | undefined;
}

/**
 * The right to one concurrent request on a llama-server, or to several at once on the same one. It has no
 * llama-server until its first request chooses one, and stays with that one as long as it can. Its requests
 * come one after the other; after one that has failed or was aborted, a Slot can only be released.
 */
export interface Slot {
  /**
   * One streaming request; if the last message is the assistant's, the answer continues it. Aborting the
   * signal ends the generation and rejects with its reason. llama-server keeps the stream under the id
   * `asked.run`, so that it outlives parlor.
   * @throws Failure `upstream_*`, `model_missing`, `context_overflow`
   */
  chat(asked: RequestId, request: ChatRequest, deltas: Deltas, signal: AbortSignal): Promise<ChatEnd>;

  /** The same for a prompt without a chat template: `POST /completion`. @throws as `chat` */
  complete(asked: RequestId, prompt: string, deltas: Deltas, signal: AbortSignal): Promise<ChatEnd>;

  /**
   * Passes a request on, and its answer back, whatever its status. Aborting the signal ends the generation
   * and rejects with its reason.
   * @throws Failure `upstream_absent`, `upstream_cut`, `upstream_stalled`, `model_missing`
   */
  relay(asked: RequestId, relayed: Relayed, sink: RelaySink, signal: AbortSignal): Promise<void>;

  /**
   * Continues the stream of a Run that an earlier process began, from byte `fromBytes` on (see
   * `Deltas.streamed`). llama-server keeps the last 4 MiB of a stream.
   * @throws Failure `not_found` when no llama-server has the stream; otherwise as `chat`
   */
  resume(run: RunId, fromBytes: number, deltas: Deltas, signal: AbortSignal): Promise<ChatEnd>;

  /**
   * Gives the Slot back, after its last request. If that was ended early, waits for a bounded time until its
   * llama-server shows the slot idle; until then the Slot counts as taken. Releasing again answers the same.
   * @returns true when the slot is idle or the server is gone, false when the time has passed
   */
  release(): Promise<boolean>;
}

export interface Upstream {
  /** The state of all llama-servers together. */
  readonly state: UpstreamState;
  /** The state of each. */
  readonly servers: readonly UpstreamState[];

  /**
   * Calls `listener` at each later change of `state` or `servers`. Returns a function that ends the calls.
   */
  watch(listener: (state: UpstreamState) => void): () => void;

  /**
   * What a request for this model gets (null: any model): the name of the model, the context of one slot in
   * tokens, the most slots that one llama-server has for it, whether it sees
   * pictures, and whether it hears recordings.
   */
  facts(model: string | null): ModelFacts;

  /**
   * Takes a Slot for requests for this model (null: any model).
   * @param slots how many requests it is for at once, all on one llama-server; capped at the slots of one
   * @returns null when there is no room now. When no llama-server has the model, there is always room: the
   *   request is refused at once.
   */
  take(model: string | null, slots?: number): Slot | null;

  /**
   * A Slot for a Run of an earlier process, whether there is room or not: llama-server may still be
   * generating for it.
   */
  adopt(): Slot;

  /**
   * Passes on a request that needs no slot, such as a list or a count.
   * @param url the llama-server to ask, as `servers` shows it; default: any that serves the model
   * @throws as `Slot.relay`; `queue_full` when too many are under way
   */
  pass(asked: RequestId, relayed: Relayed, sink: RelaySink, signal: AbortSignal, url?: string): Promise<void>;

  /**
   * Tokens of these messages in the model's template, counted by llama-server. Null when it can't count: the
   * request itself will show then whether it fits.
   * @throws Failure `upstream_stalled`, or the signal's reason when it is aborted
   */
  count(request: Pick<ChatRequest, "messages" | "model">, signal: AbortSignal): Promise<number | null>;

  close(): Promise<void>;
}

/** Several llama-servers as one. Servers can be added and removed. */
export interface Upstreams extends Upstream {
  /**
   * From now on uses the servers at these addresses, beside those that parlor has started. Running requests
   * end where they are.
   */
  use(urls: readonly string[]): void;
  /** The latest output lines of a server that parlor has started; empty for any other. */
  logOf(url: string): readonly string[];
}
