// What a Run has written: the parts of its message, how much of them is published, and how much is in the
// Store. Pure: runs/live-run publishes, runs/checkpoints stores.

import type { PartGrew } from "../domain/event.ts";
import type { RunId } from "../domain/id.ts";
import {
  grown,
  isWritten,
  lastStepOf,
  type PartKind,
  type Parts,
  sizeOf,
  textIn,
  textParts,
  type WrittenPart,
} from "../domain/part.ts";
import type { Draft, WrittenSoFar } from "../store/store.ts";
import type { Writing } from "./checkpoints.ts";

/** UTF-16 units by kind of part. */
type Sizes = Readonly<Partial<Record<PartKind, number>>>;

export class Written implements Writing {
  readonly #run: RunId;
  parts: Parts;
  /** Number of the present step, from 0. */
  step = 0;
  /** Byte of llama-server's stream of this step at which the parts end. */
  streamBytes = 0;
  /** The parts as published, and their size. */
  #shown: Parts;
  #shownChars: number;
  /** Index of the first part that this step writes, and the size of all parts at its beginning. */
  #from: number;
  #charsBefore: number;
  /** Units of this step's parts that are in the Store. */
  #saved: Sizes;

  /** `before`: the parts that the message has already, which the Run continues. */
  constructor(run: RunId, before: Parts) {
    this.#run = run;
    this.parts = this.#shown = before;
    this.#from = lastStepOf(before);
    this.#charsBefore = this.#shownChars = sizeOf(before);
    this.#saved = sizesOf(before.slice(this.#from));
  }

  /** Takes the stored parts that stand before all that is written. Called before anything is written. */
  standBehind(parts: Parts): void {
    this.parts = this.#shown = parts;
    this.#from = lastStepOf(parts);
  }

  /** Index of the first part that this step writes. */
  get from(): number {
    return this.#from;
  }

  /** The parts as published. */
  get shown(): Parts {
    return this.#shown;
  }

  /** What this step has written, in UTF-16 units. */
  get stepChars(): number {
    return sizeOf(this.parts) - this.#charsBefore;
  }

  /** True for a later step of which nothing was stored: it may not have been sent. */
  get isUnbegun(): boolean {
    return this.step > 0 && this.isStepSilent;
  }

  /** True until this step has text. */
  get isStepSilent(): boolean {
    return textIn(this.parts.slice(this.#from), "text") === "";
  }

  grow(kind: PartKind, text: string): void {
    this.parts = grown(this.parts, this.#from, { kind, text });
  }

  /** Publishes a piece that `grow` has added: returns where it belongs. */
  show(piece: WrittenPart): Pick<PartGrew, "piece" | "at" | "from"> {
    const [at, from] = [this.#shownChars, this.#from];
    this.#shown = grown(this.#shown, from, piece);
    this.#shownChars += piece.text.length;
    return { piece, at, from };
  }

  /** Begins the next step, once this one is stored. */
  nextStep(): void {
    this.step++;
    this.#from = this.parts.length;
    this.#charsBefore = sizeOf(this.parts);
    this.#saved = {};
    this.streamBytes = 0;
  }

  /**
   * Continues from the last checkpoint of the previous process. Returns the byte of llama-server's stream
   * from which to read. That is 0 if no text of the step was saved, because only its beginning tells whether
   * an answer is a thought.
   */
  adopt(draft: WrittenSoFar): number {
    [this.step, this.#from] = [draft.step, draft.from];
    if (draft.step > 0) this.parts = draft.parts.slice(0, draft.from);
    this.#charsBefore = sizeOf(this.parts);
    if (draft.streamBytes > 0 && textIn(draft.parts, "text") !== textIn(this.parts, "text")) {
      this.restore(draft);
      this.streamBytes = draft.streamBytes;
    }
    this.#shown = this.parts;
    this.#shownChars = sizeOf(this.parts);
    this.#saved = sizesOf(draft.parts.slice(draft.from));
    return this.streamBytes;
  }

  /** Takes saved parts where the rest of an answer could not be read. */
  restore({ parts }: Pick<WrittenSoFar, "parts">): void {
    if (sizeOf(parts) > sizeOf(this.parts)) this.parts = parts;
  }

  /** Replaces all that the step has written by a text. */
  replaceStep(text: string): void {
    this.parts = [...this.parts.slice(0, this.#from), ...textParts(text)];
  }

  /** What this step has written and is not in the Store yet. */
  get draft(): Draft {
    const pieces = this.parts.slice(this.#from).flatMap((part): WrittenPart[] => {
      if (!isWritten(part)) return [];
      const { kind, text } = part;
      const piece = text.slice(this.#saved[kind] ?? 0);
      return piece === "" ? [] : [{ kind, text: piece }];
    });
    return { run: this.#run, step: this.step, pieces, streamBytes: this.streamBytes };
  }

  saved({ pieces }: Pick<Draft, "pieces">): void {
    this.#saved = sizesOf(pieces, this.#saved);
  }
}

/** The sizes of all parts, added to those `before`. */
function sizesOf(parts: Parts, before: Sizes = {}): Sizes {
  const sizes = { ...before };
  for (const part of parts)
    if (isWritten(part)) sizes[part.kind] = (sizes[part.kind] ?? 0) + part.text.length;
  return sizes;
}
