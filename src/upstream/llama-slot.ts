// A Slot of one llama-server: the requests that are sent in it, and whether it is idle again after a request
// that was ended early. Answers are read in upstream/requests. Which llama-server gets a request is decided
// in upstream/pool-slot.

import { asFailure, type FailureCode } from "../domain/failure.ts";
import type { RunId } from "../domain/id.ts";
import { dropBody, type Request, send, type Target } from "./http.ts";
import { type AnswerBounds, stream } from "./requests.ts";
import type { SlotWatch, SlotWatchBounds } from "./slots.ts";
import type {
  ChatEnd,
  ChatRequest,
  Deltas,
  Relayed,
  RelaySink,
  RequestId,
  Slot,
  Upstream,
} from "./upstream.ts";

/** What a Slot knows of its llama-server. */
export interface SlotServer extends Pick<Upstream, "pass"> {
  readonly target: Target;
  readonly options: AnswerBounds &
    Pick<SlotWatchBounds, "probeMs"> & {
      /**
       * False while another process may run the answers that this one has begun: then it ends none of them.
       * Default true.
       */
      readonly mayEnd?: () => boolean;
    };
  readonly slotWatch: Pick<SlotWatch, "freed" | "checkNow">;
  /** Its Slots that are not released. */
  readonly slots: Set<LlamaSlot>;
  /** The model name to send in a request; undefined for none. */
  modelFor(named: string | null): string | undefined;
}

/** Delays after which a stream that was ended before its beginning is ended again, in ms. */
const endAgainMs = [100, 500, 2_000];

/** Failures that llama-server reports before it has given a request a slot. */
const neverHadSlot: ReadonlySet<FailureCode> = new Set<FailureCode>([
  "upstream_absent",
  "upstream_loading",
  "upstream_unauthorized",
  "upstream_refused",
  "context_overflow",
  "not_found",
]);

/** Slots of llama-server that these Slots stand for. */
export function sumOf(slots: IteratorObject<LlamaSlot>): number {
  return slots.reduce((sum, { count }) => sum + count, 0);
}

export class LlamaSlot implements Slot {
  readonly #server: SlotServer;
  readonly model: string | null;
  /** How many slots of llama-server it stands for. */
  readonly count: number;
  readonly #released = Promise.withResolvers<void>();
  /** `ending`: a request was ended early, and llama-server does not show the slot as idle yet. */
  state: "idle" | "running" | "ending" = "idle";
  /** The latest request's answer comes as events; otherwise in one piece. */
  #isStream = true;
  /** When the latest request began, on the monotonic clock, in ms. */
  startedAt = performance.now();

  constructor(server: SlotServer, model: string | null, count: number) {
    this.#server = server;
    this.model = model;
    this.count = count;
    server.slots.add(this);
  }

  /** Resolves when it is released. */
  get released(): Promise<void> {
    return this.#released.promise;
  }

  chat(id: RequestId, request: ChatRequest, deltas: Deltas, signal: AbortSignal): Promise<ChatEnd> {
    const { messages, sampling } = request;
    const { temperature, topP: top_p, maxTokens: max_tokens } = sampling;
    // settings that nobody chose are undefined and left out of the JSON, so that llama-server's own hold
    const chosen = { temperature, top_p, max_tokens, model: this.#server.modelFor(request.model) };
    const body = {
      messages,
      ...chosen,
      stream: true,
      stream_options: { include_usage: true },
      return_progress: true,
    };
    return this.#streamed(id.run, deltas, signal, answerRequest(id, "/v1/chat/completions", body));
  }

  complete(id: RequestId, prompt: string, deltas: Deltas, signal: AbortSignal): Promise<ChatEnd> {
    const body = { prompt, model: this.#server.modelFor(null), stream: true, return_progress: true };
    return this.#streamed(id.run, deltas, signal, answerRequest(id, "/completion", body));
  }

  resume(run: RunId, fromBytes: number, deltas: Deltas, signal: AbortSignal): Promise<ChatEnd> {
    const request = { method: "GET", path: `${streamPath(run)}&from=${fromBytes}` } as const;
    return this.#streamed(run, deltas, signal, request, fromBytes);
  }

  relay(id: RequestId, relayed: Relayed, sink: RelaySink, signal: AbortSignal): Promise<void> {
    return this.#running(relayed.isStream, signal, () => this.#server.pass(id, relayed, sink, signal));
  }

  /** See `Slot.release`; to be called once. A Slot that is idle has left its server when this returns. */
  async release(): Promise<boolean> {
    const { slots, slotWatch } = this.#server;
    const running = () => sumOf(slots.values().filter(({ state }) => state === "running"));
    try {
      return this.state !== "ending" || (await slotWatch.freed(running, { isStream: this.#isStream }));
    } finally {
      slots.delete(this);
      this.#released.resolve();
    }
  }

  async #running<T>(isStream: boolean, signal: AbortSignal, work: () => Promise<T>): Promise<T> {
    this.state = "running";
    this.#isStream = isStream;
    this.startedAt = performance.now();
    try {
      const done = await work();
      this.state = "idle";
      return done;
    } catch (error) {
      this.state = !signal.aborted && neverHadSlot.has(asFailure(error).code) ? "idle" : "ending";
      // the server may be gone: do not wait for the next tick
      if (!signal.aborted) this.#server.slotWatch.checkNow();
      throw error;
    }
  }

  #streamed(run: RunId, deltas: Deltas, signal: AbortSignal, request: Request, fromBytes = 0) {
    const { target, options } = this.#server;
    let hasBegun = false;
    const began = () => {
      hasBegun = true;
    };
    return this.#running(true, signal, async () => {
      try {
        return await stream(target, options, request, deltas, signal, { began, fromBytes });
      } catch (error) {
        await this.#endStream(run);
        // a request that was still on its way may begin after the DELETE, and would then never be ended
        if (!hasBegun || options.mayEnd?.() === false)
          for (const ms of endAgainMs) setTimeout(() => void this.#endStream(run), ms).unref();
        throw error;
      }
    });
  }

  /** With a conversation id, llama-server keeps generating after a disconnect. Only this request ends it. */
  async #endStream(run: RunId): Promise<void> {
    const { target, options } = this.#server;
    if (options.mayEnd?.() === false) return;
    const request = { method: "DELETE", path: streamPath(run) } as const;
    const response = await send(target, request, AbortSignal.timeout(options.probeMs)).catch(() => null);
    if (response) await dropBody(response);
  }
}

/** The request for an answer. By the Run's id, llama-server keeps the stream when parlor is gone. */
function answerRequest({ run, request }: RequestId, path: string, body: unknown): Request {
  const headers = {
    "content-type": "application/json",
    "x-conversation-id": run,
    ...(request !== "" && { "x-request-id": request }),
  };
  return { method: "POST", path, headers, body: JSON.stringify(body) };
}

const streamPath = (run: RunId): string => `/v1/stream?conv_id=${encodeURIComponent(run)}`;
