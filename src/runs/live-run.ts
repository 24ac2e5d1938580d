// A Run in progress as this process knows it: what it has written, its place in the queue, the number of its
// last event. Publishes each change on the Bus and to a program's Tap. Does not decide when a Run starts.

import { type Bus, publishListed, publishReshaped } from "../bus/bus.ts";
import { type Message, withParts } from "../domain/conversation.ts";
import type { RunEvent, RunFact, Snapshot } from "../domain/event.ts";
import { type PartKind, type Parts, sourcesIn, type WrittenPart } from "../domain/part.ts";
import type { Place, PromptProgress, Run, RunStats } from "../domain/run.ts";
import type { Utterance } from "../domain/thread.ts";
import type { Store } from "../store/store.ts";
import type { Checkpoints } from "./checkpoints.ts";
import { DeltaFold } from "./delta-fold.ts";
import type { Origin } from "./origin.ts";
import { SpentTokens } from "./spent-tokens.ts";
import { Written } from "./written.ts";

interface LiveRunOutlets {
  readonly bus: Bus;
  /** Keeps the Run's conversation. */
  readonly store: Store;
  /** See DeltaFold. */
  readonly foldMs: number;
  /** Saves what is being written; null for a temporary conversation, which ends with this process. */
  readonly checkpoints: Checkpoints | null;
  /** Number of the first event. */
  readonly firstEvent: number;
}

export class LiveRun {
  readonly run: Run;
  answer: Message;
  readonly abort = new AbortController();
  /** When this process queued the Run, on the monotonic clock, in ms. */
  readonly queuedAt = performance.now();
  status: "queued" | "running" = "queued";
  /** Place in the queue; null if the Run does not wait. */
  place: Place | null = null;
  readonly written: Written;
  readonly tokens: SpentTokens;
  /** When the first thought arrived, in milliseconds since 1970. */
  thinkingSince: number | null = null;
  stopping = false;
  /** True once the end is published: a later snapshot must not show the Run in progress. */
  over = false;
  readonly origin: Origin;
  #history: Promise<readonly Message[]> | null = null;
  readonly #outlets: LiveRunOutlets;
  #n: number;
  readonly #fold: DeltaFold;

  /** `answer` has no parts yet, or those that this Run continues. */
  constructor(run: Run, answer: Message, outlets: LiveRunOutlets, origin: Origin) {
    this.run = run;
    this.answer = answer;
    this.written = new Written(run.id, answer.parts);
    this.tokens = new SpentTokens(this.written);
    this.#outlets = outlets;
    this.#n = outlets.firstEvent - 1;
    this.origin = origin;
    this.#fold = new DeltaFold(outlets.foldMs, answer.text.length, (piece) => this.#show(piece));
  }

  /** Without the pieces that the fold holds back: they are not published yet, so not part of event `n`. */
  get snapshot(): Snapshot {
    const { status, thinkingSince, stopping } = this;
    const { id, owner } = this.run;
    return {
      ...{ run: id, owner, messageId: this.answer.id, n: this.#n, status, thinkingSince, stopping },
      ...{ parts: this.written.shown, from: this.written.from },
      ...{ place: this.place, progress: this.tokens.progress },
    };
  }

  get store(): Store {
    return this.#outlets.store;
  }

  /** The path to the answer, which is excluded. It is read once. */
  history(): Promise<readonly Message[]> {
    this.#history ??= this.store.history(this.answer.id);
    return this.#history;
  }

  /** A message of the path has changed in the Store: files of it are searched. */
  marked(message: Message): void {
    const path = this.history();
    this.#history = path.then((all) => all.map((each) => (each.id === message.id ? message : each)));
    publishReshaped(this.#outlets.bus, this.run.conversation);
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
    this.place = place;
    this.publish({ kind: "place", place });
    this.origin.tap?.place?.(place);
  }

  /** Takes the stored parts that the answer has before it is written: its sources. Before `started`. */
  found(parts: Parts): void {
    this.answer = withParts(this.answer, parts);
    this.written.standBehind(parts);
    const sources = sourcesIn(parts);
    if (sources.length > 0) this.origin.tap?.sources?.(sources);
  }

  started(): void {
    this.status = "running";
    this.place = null;
    this.publish({ kind: "started", answer: this.answer });
  }

  read(progress: PromptProgress): void {
    this.tokens.progress = progress;
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
    this.written.grow(kind, text);
    const { tap } = this.origin;
    if (!tap?.isAlone) this.#fold.add(kind, text);
    tap?.part(kind, text);
    this.#outlets.checkpoints?.mark(this.written);
  }

  /**
   * Ends a step, and begins the next one when what was written so far is stored. `stats` are the figures of
   * the step that ends.
   */
  async nextStep(stats: RunStats): Promise<void> {
    this.#fold.flush();
    await this.#outlets.checkpoints?.save(this.written);
    this.tokens.nextStep(stats);
    this.written.nextStep();
    await this.#outlets.checkpoints?.save(this.written);
  }

  /** Its step is done anew: what readers know of it from the process before must be read again. */
  begunAnew(): this {
    this.#n++;
    return this;
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
    this.#outlets.checkpoints?.forget(this.written);
    this.over = true;
    this.tokens.stats = utterance.run.stats;
    this.publish({ kind: "ended", utterance });
    this.origin.tap?.ended(utterance.run, utterance.message);
    publishListed(this.#outlets.bus, this.run, true);
  }

  /** Its end is in the Store, long after it was published: another process may know it from there alone. */
  storedLate(): void {
    publishListed(this.#outlets.bus, this.run, true);
    publishReshaped(this.#outlets.bus, this.run.conversation);
  }

  /** Its conversation has a new title. */
  titled(): void {
    publishListed(this.#outlets.bus, this.run, false);
    publishReshaped(this.#outlets.bus, this.run.conversation);
  }

  #show(piece: WrittenPart): void {
    this.publish({ kind: "part", ...this.written.show(piece), since: this.thinkingSince });
  }
}
