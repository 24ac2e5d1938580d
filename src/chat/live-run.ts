// A Run in progress as this process knows it: its text so far, the number of its next event, and the fold
// that turns a burst of Deltas into few RunEvents. Publishes on the Bus; made by chat/chat, driven by chat/runner.

import type { Bus } from "../bus/bus.ts";
import type { Message } from "../domain/conversation.ts";
import type { Place, PromptProgress, Run, RunEvent, RunFact, Snapshot } from "../domain/run.ts";

/** A program's direct line to a Run: every Delta as it comes, unfolded. */
export interface Tap {
  text(text: string): void;
  ended(run: Run): void;
}

export class LiveRun {
  readonly run: Run;
  readonly answer: Message;
  readonly abort = new AbortController();
  /** When it was queued, on the monotonic clock, in ms. */
  readonly queuedAt = performance.now();
  status: "queued" | "running" = "queued";
  text = "";
  reasoning = "";
  stopping = false;
  /** True once its end has been told: a snapshot taken later must not show it in progress. */
  over = false;
  readonly #bus: Bus;
  readonly #tap: Tap | undefined;
  readonly #foldMs: number;
  #n = -1;
  #place: Place | null = null;
  #progress: PromptProgress | null = null;
  #held = { text: "", reasoning: "" };
  #timer: Timer | null = null;

  constructor(run: Run, answer: Message, bus: Bus, foldMs: number, tap?: Tap) {
    this.run = run;
    this.answer = answer;
    this.#bus = bus;
    this.#foldMs = foldMs;
    this.#tap = tap;
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
      place: this.#place,
      progress: this.#progress,
      stopping,
    };
  }

  publish(fact: RunFact): void {
    this.#n++;
    this.#bus.publish({ ...fact, run: this.run.id, conversation: this.run.conversation, messageId: this.answer.id, n: this.#n } as RunEvent);
  }

  moved(place: Place): void {
    this.#place = place;
    this.publish({ kind: "place", place });
  }

  started(): void {
    this.status = "running";
    this.#place = null;
    this.publish({ kind: "started" });
  }

  read(progress: PromptProgress): void {
    this.#progress = progress;
    this.publish({ kind: "prompt", progress });
  }

  stop(): void {
    this.stopping = true;
    this.publish({ kind: "stopping" });
  }

  /** The first piece, and the first after a pause, goes out at once; what follows within `foldMs` goes together. */
  grow(kind: "text" | "reasoning", piece: string): void {
    this[kind] += piece;
    this.#held[kind] += piece;
    if (kind === "text") this.#tap?.text(piece);
    if (this.#timer === null) this.#flush();
  }

  ended(message: Message, ended: Run): void {
    if (this.#timer) clearTimeout(this.#timer);
    this.#timer = null;
    this.#held = { text: "", reasoning: "" }; // the closing event bears the whole text
    this.over = true;
    this.publish({ kind: "ended", message, ended });
    this.#tap?.ended(ended);
  }

  #flush(): void {
    const { text, reasoning } = this.#held;
    this.#held = { text: "", reasoning: "" };
    if (reasoning !== "") this.publish({ kind: "reasoning", text: reasoning });
    if (text !== "") this.publish({ kind: "text", text });
    this.#timer = setTimeout(() => {
      this.#timer = null;
      if (this.#held.text !== "" || this.#held.reasoning !== "") this.#flush();
    }, this.#foldMs);
  }
}
