// A Run in progress as this process knows it: what it has written, its place in the queue, the number of its
// last event. Publishes each change on the Bus and to a program's Tap. Does not decide when a Run starts.

import type { Bus } from "../bus/bus.ts";
import type { Message } from "../domain/conversation.ts";
import type { RunEvent, RunFact, Snapshot } from "../domain/event.ts";
import type { RunId } from "../domain/id.ts";
import type { Part, PartKind } from "../domain/part.ts";
import type { Place, PromptProgress, Run, RunStats } from "../domain/run.ts";
import type { Utterance } from "../domain/thread.ts";
import type { Draft, Store } from "../store/store.ts";
import type { Checkpoints, Writing } from "./checkpoints.ts";
import { DeltaFold } from "./delta-fold.ts";
import type { Sharer } from "./fair-share.ts";
import type { Tap } from "./runs.ts";
import { Written } from "./written.ts";

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
  readonly written: Written;
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
  #textChars: number;
  /** Tokens that the steps before this one have used. */
  #tokensBefore = 0;

  /** `answer` has no parts yet, or those that this Run continues. */
  constructor(run: Run, answer: Message, outlets: LiveRunOutlets, origin: Origin) {
    this.run = run;
    this.answer = answer;
    this.written = new Written(answer.parts);
    this.#textChars = answer.text.length;
    this.#outlets = outlets;
    this.origin = origin;
    this.#fold = new DeltaFold(outlets.foldMs, (piece) => this.#show(piece));
  }

  /** The id of this step's request to llama-server. */
  get requestId(): RunId {
    const { step } = this.written;
    return step === 0 ? this.run.id : `${this.run.id}-${step}`;
  }

  /**
   * Tokens used: prompt tokens not taken from the cache, and written ones. An estimate until the Run is
   * over.
   */
  get spentTokens(): number {
    return this.tokensOf(this.#stats);
  }

  /** The same from these figures of the present step; what they lack is estimated. */
  tokensOf(stats: RunStats): number {
    const {
      promptTokens = this.#progress?.processed ?? 0,
      cachedTokens = this.#progress?.cached ?? 0,
      outputTokens = Math.ceil(this.written.stepChars / charsPerToken),
    } = stats;
    return this.#tokensBefore + Math.max(0, promptTokens - cachedTokens) + outputTokens;
  }

  /** Place in the queue; null if the Run does not wait. */
  get place(): Place | null {
    return this.#place;
  }

  /** What is held back by the fold is not published yet, and so is not part of event `n`. */
  get snapshot(): Snapshot {
    const { status, thinkingSince, stopping } = this;
    return {
      ...{ run: this.run.id, messageId: this.answer.id, n: this.#n, status, thinkingSince, stopping },
      ...{ parts: this.written.shown, from: this.written.from, place: this.#place, progress: this.#progress },
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
  grow(kind: PartKind, text: string): void {
    if (kind === "thought") this.thinkingSince ??= Date.now();
    else this.#textChars += text.length;
    this.written.grow(kind, text);
    const { tap } = this.origin;
    if (!tap?.isAlone) this.#fold.add(kind, text, this.#textChars);
    tap?.part(kind, text);
    this.#outlets.checkpoints?.mark(this);
  }

  /**
   * Ends a step, and begins the next one when what was written so far is stored. `stats` are the figures of
   * the step that ends.
   */
  async nextStep(stats: RunStats): Promise<void> {
    this.#fold.flush();
    this.#tokensBefore = this.tokensOf(stats);
    await this.#outlets.checkpoints?.save(this);
    this.written.nextStep();
    this.#progress = null;
    await this.#outlets.checkpoints?.save(this);
  }

  /** True if a program listens; its connection ends with this process. */
  get isTapped(): boolean {
    return this.origin.tap !== undefined;
  }

  /**
   * Replaces all that the step has written by a text: its thoughts had no end, so they were the answer. Pages
   * learn of it by the last event.
   */
  answerInstead(text: string): void {
    this.written.replaceStep(text);
    this.origin.tap?.part("text", text);
  }

  ended(utterance: Utterance & { run: Run }): void {
    this.#fold.end(); // the last event holds the whole message
    this.#outlets.checkpoints?.forget(this);
    this.over = true;
    this.#stats = utterance.run.stats;
    this.publish({ kind: "ended", utterance });
    this.origin.tap?.ended(utterance.run);
  }

  /** What is not in the Store yet. */
  get draft(): Draft {
    return { run: this.run.id, ...this.written.unsaved };
  }

  saved(draft: Draft): void {
    this.written.saved(draft);
  }

  #show(piece: Part): void {
    this.publish({ kind: "part", ...this.written.show(piece), since: this.thinkingSince });
  }
}
