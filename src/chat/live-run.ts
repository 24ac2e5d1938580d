// A Run in progress as this process knows it: its text so far, the number of its next event, and the fold
// that turns a burst of Deltas into few RunEvents. Publishes on the Bus; made by chat/chat, driven by chat/runner.

import type { Bus } from "../bus/bus.ts";
import type { Message } from "../domain/conversation.ts";
import type { RunEvent, RunFact, Snapshot } from "../domain/event.ts";
import type { Place, PromptProgress, Run, RunStats } from "../domain/run.ts";
import type { Utterance } from "../domain/thread.ts";
import type { Draft, Store, UnfinishedRun } from "../store/store.ts";
import type { Checkpoints, Writing } from "./checkpoints.ts";
import type { Sharer } from "./fair-share.ts";

/** A program's direct line to a Run: every Delta as it comes, unfolded. */
export interface Tap {
  /** Nobody else can see the Run, so nobody else is told of it. */
  readonly isAlone: boolean;
  text(text: string): void;
  reasoning?(text: string): void;
  place?(place: Place): void;
  prompt?(progress: PromptProgress): void;
  ended(run: Run): void;
}

/** Where a Run comes from. */
export interface Origin {
  /** Whose share of the slots it uses. */
  readonly sharer: Sharer;
  /** Names the wish in logs, here and in llama-server's; empty for one that the process before this one took. */
  readonly request: string;
  readonly tap: Tap | undefined;
  /** The model that it will ask for; null: whichever is there. */
  readonly model: string | null;
}

/** Characters of a token, about: for what is running still, whose tokens are counted at its end. */
const charsPerToken = 4;

interface LiveRunOutlets {
  readonly bus: Bus;
  /** Where its conversation is kept. */
  readonly store: Store;
  /** Deltas that come within this time of the last event go out together. */
  readonly foldMs: number;
  /** Where what is being written is kept; null where that need not outlive this process. */
  readonly checkpoints: Checkpoints | null;
}

/** Deltas that come this far apart are not held at all: a browser draws no oftener (60 times a second), so it is nothing that a page is spared, in ms. */
const drawnEveryMs = 16;
/** How much the last gap between two Deltas counts among those before it. */
const gapWeight = 0.25;

/** How much longer Deltas are held together at last, and at what length of the answer (UTF-16 units). */
const foldGrowth = 2.5;
const foldGrowsChars = 20_000;

export class LiveRun implements Writing {
  readonly run: Run;
  readonly answer: Message;
  readonly abort = new AbortController();
  /** When it was queued, on the monotonic clock, in ms. */
  readonly queuedAt = performance.now();
  status: "queued" | "running" = "queued";
  text: string;
  reasoning: string;
  /** When its first thought came, in milliseconds since 1970. */
  thinkingSince: number | null = null;
  stopping = false;
  /** True once its end has been told: a snapshot taken later must not show it in progress. */
  over = false;
  readonly origin: Origin;
  readonly #outlets: LiveRunOutlets;
  #n = -1;
  #place: Place | null = null;
  #progress: PromptProgress | null = null;
  #stats: RunStats = {};
  #held = { text: "", reasoning: "" };
  #timer: Timer | null = null;
  /** When the last Delta came, on the monotonic clock, and how far apart they come, in ms. */
  #grownAt = 0;
  #gapMs = 0;
  /** Characters that are in the Store. */
  #saved: { text: number; reasoning: number };
  /** Where in llama-server's stream the text so far ends. */
  streamBytes = 0;

  /** `answer.text` is what is there already: empty, or what this Run goes on with. */
  constructor(run: Run, answer: Message, outlets: LiveRunOutlets, origin: Origin) {
    this.run = run;
    this.answer = answer;
    this.text = answer.text;
    this.reasoning = answer.reasoning;
    this.#saved = { text: answer.text.length, reasoning: answer.reasoning.length };
    this.#outlets = outlets;
    this.origin = origin;
  }

  /** Tokens that it has used: read anew and written; about, until it is over. */
  get spentTokens(): number {
    return this.tokensOf(this.#stats);
  }

  /** The same, as far as these figures say it. */
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

  /** Where in line it is; null when it is not. */
  get place(): Place | null {
    return this.#place;
  }

  get snapshot(): Snapshot {
    const { status, text, reasoning, stopping } = this;
    const held = this.#held; // not published yet: not part of event n
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

  /**
   * The first piece, and the first after a pause, goes out at once; what follows within `foldMs` goes together. A program's Tap gets each piece; where
   * nobody else can see the Run, no page is told.
   */
  grow(kind: "text" | "reasoning", piece: string): void {
    if (kind === "reasoning") this.thinkingSince ??= Date.now();
    this[kind] += piece;
    const { tap } = this.origin;
    if (!tap?.isAlone) {
      const now = performance.now();
      this.#gapMs += gapWeight * (Math.min(now - this.#grownAt, this.#outlets.foldMs) - this.#gapMs);
      this.#grownAt = now;
      this.#held[kind] += piece;
      if (this.#timer === null) this.#flush();
    }
    tap?.[kind]?.(piece);
    this.#outlets.checkpoints?.mark(this);
  }

  /** True when a program listens, which is gone with this process. */
  get isTapped(): boolean {
    return this.origin.tap !== undefined;
  }

  /**
   * Goes on with the checkpoints of the process before this one. Returns the byte of llama-server's stream at which the rest
   * begins: 0 while no text was kept, since the beginning of an answer says whether it is a thought.
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

  /** What had been written is all there is: the rest of it could not be had. */
  restore(text: string, reasoning: string): void {
    if (text.length > this.text.length) this.text = text;
    if (reasoning.length > this.reasoning.length) this.reasoning = reasoning;
  }

  ended(utterance: Utterance & { run: Run }): void {
    if (this.#timer) clearTimeout(this.#timer);
    this.#timer = null;
    this.#outlets.checkpoints?.forget(this);
    this.#held = { text: "", reasoning: "" }; // the closing event bears the whole text
    this.over = true;
    this.#stats = utterance.run.stats;
    this.publish({ kind: "ended", utterance });
    this.origin.tap?.ended(utterance.run);
  }

  /** What is not in the Store yet. */
  get draft(): Draft {
    const { text, reasoning } = this.#saved;
    return {
      run: this.run.id,
      text: this.text.slice(text),
      reasoning: this.reasoning.slice(reasoning),
      streamBytes: this.streamBytes,
    };
  }

  kept({ text, reasoning }: Draft): void {
    this.#saved.text += text.length;
    this.#saved.reasoning += reasoning.length;
  }

  /**
   * How long what comes now is held: not at all where little comes, so that it is no later on the page than it must be. The longer an answer, the
   * more a change of it costs the page that shows it, and the less a change tells its reader.
   */
  get #foldMs(): number {
    const growth = 1 + (foldGrowth - 1) * Math.min(1, this.text.length / foldGrowsChars);
    return this.#gapMs >= drawnEveryMs * growth ? 0 : this.#outlets.foldMs * growth;
  }

  #flush(): void {
    const { text, reasoning } = this.#held;
    this.#held = { text: "", reasoning: "" };
    if (reasoning !== "") this.publish({ kind: "reasoning", text: reasoning, since: this.thinkingSince });
    if (text !== "") this.publish({ kind: "text", text });
    const ms = this.#foldMs;
    if (ms === 0) return;
    this.#timer = setTimeout(() => {
      this.#timer = null;
      if (this.#held.text !== "" || this.#held.reasoning !== "") this.#flush();
    }, ms);
  }
}
