// A Run in progress as this process knows it: its text so far, its place in the queue, the number of its last
// event. Publishes each change on the Bus and to a program's Tap. Does not decide when it starts or ends.

import type { Bus } from "../bus/bus.ts";
import type { Message } from "../domain/conversation.ts";
import type { RunEvent, RunFact, Snapshot } from "../domain/event.ts";
import type { Place, PromptProgress, Run, RunStats } from "../domain/run.ts";
import type { Utterance } from "../domain/thread.ts";
import type { Draft, Store, UnfinishedRun } from "../store/store.ts";
import type { Checkpoints, Writing } from "./checkpoints.ts";
import { DeltaFold } from "./delta-fold.ts";
import type { Sharer } from "./fair-share.ts";
import type { Tap } from "./runs.ts";

/** Who asked for a Run, and how. */
export interface Origin {
  /** Whose share of the slots the Run uses. */
  readonly sharer: Sharer;
  /** Id of the request in the logs of parlor and of llama-server; empty for a Run of the previous process. */
  readonly request: string;
  readonly tap: Tap | undefined;
  /** The model that the Run will request; null for any. */
  readonly model: string | null;
}

/** Estimated characters per token, for running Runs; llama-server counts their tokens at the end. */
const charsPerToken = 4;

interface LiveRunOutlets {
  readonly bus: Bus;
  /** Keeps the Run's conversation. */
  readonly store: Store;
  /** See DeltaFold. */
  readonly foldMs: number;
  /**
   * Saves the text while it is being written; null for a temporary conversation, which ends with this
   * process.
   */
  readonly checkpoints: Checkpoints | null;
}

export class LiveRun implements Writing {
  readonly run: Run;
  readonly answer: Message;
  readonly abort = new AbortController();
  /** When this process queued the Run, on the monotonic clock, in ms. */
  readonly queuedAt = performance.now();
  status: "queued" | "running" = "queued";
  text: string;
  reasoning: string;
  /** When the first thought arrived, in milliseconds since 1970. */
  thinkingSince: number | null = null;
  stopping = false;
  /** True once the end is published: a later snapshot must not show the Run in progress. */
  over = false;
  readonly origin: Origin;
  readonly #outlets: LiveRunOutlets;
  #n = -1;
  #place: Place | null = null;
  #progress: PromptProgress | null = null;
  #stats: RunStats = {};
  readonly #fold: DeltaFold;
  /** UTF-16 units that are in the Store. */
  #saved: { text: number; reasoning: number };
  /** Byte of llama-server's stream at which the text so far ends. */
  streamBytes = 0;

  /** `answer.text` is empty, or the text that this Run continues. */
  constructor(run: Run, answer: Message, outlets: LiveRunOutlets, origin: Origin) {
    this.run = run;
    this.answer = answer;
    this.text = answer.text;
    this.reasoning = answer.reasoning;
    this.#saved = { text: answer.text.length, reasoning: answer.reasoning.length };
    this.#outlets = outlets;
    this.origin = origin;
    this.#fold = new DeltaFold(outlets.foldMs, (kind, text) =>
      this.publish(kind === "text" ? { kind, text } : { kind, text, since: this.thinkingSince }),
    );
  }

  /**
   * Tokens used: prompt tokens not taken from the cache, and written ones. An estimate until the Run is
   * over.
   */
  get spentTokens(): number {
    return this.tokensOf(this.#stats);
  }

  /** The same from these figures; what they lack is estimated. */
  tokensOf(stats: RunStats): number {
    const {
      promptTokens = this.#progress?.processed ?? 0,
      cachedTokens = this.#progress?.cached ?? 0,
      outputTokens,
    } = stats;
    const written =
      this.text.length + this.reasoning.length - this.answer.text.length - this.answer.reasoning.length;
    return Math.max(0, promptTokens - cachedTokens) + (outputTokens ?? Math.ceil(written / charsPerToken));
  }

  /** Place in the queue; null if the Run does not wait. */
  get place(): Place | null {
    return this.#place;
  }

  get snapshot(): Snapshot {
    const { status, text, reasoning, stopping } = this;
    const { held } = this.#fold; // not published yet: not part of event n
    return {
      run: this.run.id,
      messageId: this.answer.id,
      n: this.#n,
      status,
      text: text.slice(0, text.length - held.text.length),
      reasoning: reasoning.slice(0, reasoning.length - held.reasoning.length),
      thinkingSince: this.thinkingSince,
      place: this.#place,
      progress: this.#progress,
      stopping,
    };
  }

  get store(): Store {
    return this.#outlets.store;
  }

  publish(fact: RunFact): void {
    this.#n++;
    const { id: run, conversation } = this.run;
    this.#outlets.bus.publish(conversation, {
      ...fact,
      run,
      conversation,
      messageId: this.answer.id,
      n: this.#n,
    } as RunEvent);
  }

  moved(place: Place): void {
    this.#place = place;
    this.publish({ kind: "place", place });
    this.origin.tap?.place?.(place);
  }

  started(): void {
    this.status = "running";
    this.#place = null;
    this.publish({ kind: "started", answer: this.answer });
  }

  read(progress: PromptProgress): void {
    this.#progress = progress;
    this.publish({ kind: "prompt", progress });
    this.origin.tap?.prompt?.(progress);
  }

  stop(): void {
    this.stopping = true;
    this.publish({ kind: "stopping" });
  }

  /** Appends a Delta. Pages get it through the fold, a program's Tap at once. */
  grow(kind: "text" | "reasoning", piece: string): void {
    if (kind === "reasoning") this.thinkingSince ??= Date.now();
    this[kind] += piece;
    const { tap } = this.origin;
    if (!tap?.isAlone) this.#fold.add(kind, piece, this.text.length);
    tap?.[kind]?.(piece);
    this.#outlets.checkpoints?.mark(this);
  }

  /** True if a program listens; its connection ends with this process. */
  get isTapped(): boolean {
    return this.origin.tap !== undefined;
  }

  /**
   * Continues from the last checkpoint of the previous process. Returns the byte of llama-server's stream
   * from which to read. That is 0 if no text was saved, because only its beginning tells whether an answer
   * is a thought.
   */
  adopt({
    draft,
    draftReasoning,
    streamBytes,
  }: Pick<UnfinishedRun, "draft" | "draftReasoning" | "streamBytes">): number {
    this.#saved = { text: draft.length, reasoning: draftReasoning.length };
    if (streamBytes === 0 || draft === this.answer.text) return 0;
    this.restore(draft, draftReasoning);
    this.streamBytes = streamBytes;
    return streamBytes;
  }

  /** Takes saved text where the rest of an answer could not be read. */
  restore(text: string, reasoning: string): void {
    if (text.length > this.text.length) this.text = text;
    if (reasoning.length > this.reasoning.length) this.reasoning = reasoning;
  }

  ended(utterance: Utterance & { run: Run }): void {
    this.#fold.end(); // the last event holds the whole text
    this.#outlets.checkpoints?.forget(this);
    this.over = true;
    this.#stats = utterance.run.stats;
    this.publish({ kind: "ended", utterance });
    this.origin.tap?.ended(utterance.run);
  }

  /** The text that is not in the Store yet. */
  get draft(): Draft {
    const { text, reasoning } = this.#saved;
    return {
      run: this.run.id,
      text: this.text.slice(text),
      reasoning: this.reasoning.slice(reasoning),
      streamBytes: this.streamBytes,
    };
  }

  saved({ text, reasoning }: Draft): void {
    this.#saved.text += text.length;
    this.#saved.reasoning += reasoning.length;
  }
}
