// Separates thoughts that a model writes into its answer between marks that llama-server does not know.
// Marks count only at the very start of an answer; anywhere else they are text. Nothing is lost: thoughts
// without an end mark become text.

import type { PartKind } from "../domain/part.ts";

/** Receives the pieces of an answer, separated. */
type Outlet = (kind: PartKind, piece: string) => void;

/** Marks around thoughts, in lower case. */
interface Marks {
  readonly open: string;
  readonly close: string;
  /** A further mark that may follow, before the answer. */
  readonly after?: string;
}

const tag = (name: string): Marks => ({ open: `<${name}>`, close: `</${name}>` });

/**
 * From the chat templates on huggingface.co: Qwen and DeepSeek, imitators of Claude, Seed, LongCat, Kimi,
 * Magistral, Command, Sky, gpt-oss.
 */
const known: readonly Marks[] = [
  ...["think", "thinking", "thought", "thoughts", "reasoning", "seed:think", "longcat_think"].map(tag),
  { open: "◁think▷", close: "◁/think▷" },
  { open: "[think]", close: "[/think]" },
  { open: "<|start_thinking|>", close: "<|end_thinking|>", after: "<|start_response|>" },
  { open: "<|begin_of_thought|>", close: "<|end_of_thought|>", after: "<|begin_of_solution|>" },
  {
    open: "<|channel|>analysis<|message|>",
    close: "<|end|>",
    after: "<|start|>assistant<|channel|>final<|message|>",
  },
];

/** With more white space than this before an answer, it is part of the answer; in UTF-16 units. */
const spaceMaxChars = 1_000;

export class Thoughts {
  readonly #outlet: Outlet;
  #state: "start" | "inside" | "after" | "text";
  #marks: Marks | null = null;
  /** Text that may still turn out to be part of a mark, or white space that is not shown. */
  #held = "";
  /** All text since the start mark, with it. */
  #source = "";
  #hasThought = false;

  /** `isStart`: the answer is empty so far. */
  constructor(isStart: boolean, outlet: Outlet) {
    this.#state = isStart ? "start" : "text";
    this.#outlet = outlet;
  }

  add(piece: string): void {
    if (this.#state === "text") this.#outlet("text", piece);
    else if (this.#state === "start") this.#begin(this.#held + piece);
    else if (this.#state === "inside") this.#addInside(piece);
    else this.#addAfter(this.#held + piece);
  }

  /**
   * Ends the answer; `isWhole` if the model itself ended it. If the end mark of the thoughts never came,
   * they were the answer: then this returns the whole text, which has been passed on as thoughts so far.
   * Else null.
   */
  end(isWhole: boolean): string | null {
    const [state, held] = [this.#state, this.#held];
    this.#state = "text";
    this.#held = "";
    if (state === "inside" && isWhole) return this.#source;
    if (state === "inside" && held.trim() !== "") this.#outlet("thought", held);
    if (state === "start" && held !== "") this.#outlet("text", held);
    if (state === "after" && held.trim() !== "") this.#outlet("text", held.trimStart());
    return null;
  }

  #begin(all: string): void {
    const begun = all.trimStart();
    const small = begun.slice(0, markMaxChars).toLowerCase();
    const marks = known.find(({ open }) => small.startsWith(open));
    if (marks) {
      this.#marks = marks;
      this.#state = "inside";
      this.#held = "";
      this.#source = begun.slice(0, marks.open.length);
      this.#addInside(begun.slice(marks.open.length));
    } else if (all.length <= spaceMaxChars && known.some(({ open }) => open.startsWith(small)))
      this.#held = all;
    else {
      this.#state = "text";
      this.#held = "";
      this.#outlet("text", all);
    }
  }

  #addInside(piece: string): void {
    this.#source += piece;
    const all = this.#hasThought ? this.#held + piece : (this.#held + piece).trimStart();
    const { close } = this.#marks as Marks;
    const end = placeOf(all, close);
    if (end < 0) {
      const shown = all.length - heldBack(all, close);
      this.#held = all.slice(shown);
      this.#addThought(all.slice(0, shown));
    } else {
      this.#addThought(all.slice(0, end).trimEnd());
      this.#state = "after";
      this.#addAfter(all.slice(end + close.length));
    }
  }

  #addThought(thought: string): void {
    if (thought === "") return;
    this.#hasThought = true;
    this.#outlet("thought", thought);
  }

  #addAfter(all: string): void {
    const { after = "" } = this.#marks as Marks;
    const begun = all.trimStart();
    const small = begun.slice(0, markMaxChars).toLowerCase();
    const rest = after !== "" && small.startsWith(after) ? begun.slice(after.length).trimStart() : begun;
    this.#held = begun;
    if (rest === "" || (rest === begun && after.startsWith(small))) return;
    this.#state = "text";
    this.#held = "";
    this.#outlet("text", rest);
  }
}

const markMaxChars = Math.max(...known.flatMap(({ open, after = "" }) => [open.length, after.length]));

/** Index of a mark in a text, in upper or lower case; -1 if there is none. */
function placeOf(text: string, mark: string): number {
  for (let at = text.indexOf(mark[0] as string); at >= 0; at = text.indexOf(mark[0] as string, at + 1))
    if (text.slice(at, at + mark.length).toLowerCase() === mark) return at;
  return -1;
}

/** Length of the end of a text that may be the beginning of a mark, with the white space before it. */
function heldBack(text: string, mark: string): number {
  let chars = Math.min(mark.length - 1, text.length);
  while (chars > 0 && !mark.startsWith(text.slice(-chars).toLowerCase())) chars--;
  const before = text.slice(0, text.length - chars);
  return chars + Math.min(spaceMaxChars, before.length - before.trimEnd().length);
}
