// Thoughts that a model writes into its answer, between marks that llama-server does not know: at the very
// start of an answer they are told apart from it, anywhere else such marks are text. Nothing is lost: what
// turns out to be no thought is text.

export interface Told {
  text(piece: string): void;
  reasoning(piece: string): void;
}

/** What stands around thoughts, in small letters. */
interface Marks {
  readonly open: string;
  readonly close: string;
  /** What may stand behind them, before the answer. */
  readonly behind?: string;
}

const tag = (name: string): Marks => ({ open: `<${name}>`, close: `</${name}>` });

/** As models write them (their chat templates on huggingface.co): Qwen and DeepSeek, Claude's imitators, Seed, LongCat, Kimi, Magistral, Command, Sky, gpt-oss. */
const known: readonly Marks[] = [
  ...["think", "thinking", "thought", "thoughts", "reasoning", "seed:think", "longcat_think"].map(tag),
  { open: "◁think▷", close: "◁/think▷" },
  { open: "[think]", close: "[/think]" },
  { open: "<|start_thinking|>", close: "<|end_thinking|>", behind: "<|start_response|>" },
  { open: "<|begin_of_thought|>", close: "<|end_of_thought|>", behind: "<|begin_of_solution|>" },
  {
    open: "<|channel|>analysis<|message|>",
    close: "<|end|>",
    behind: "<|start|>assistant<|channel|>final<|message|>",
  },
];

/** More white space than this before an answer is part of it, in UTF-16 units. */
const spaceMaxChars = 1_000;

export class Thoughts {
  readonly #told: Told;
  #state: "start" | "inside" | "behind" | "text";
  #marks: Marks | null = null;
  /** What may yet be a part of a mark, or space that is not shown. */
  #held = "";
  /** All that came since the thoughts began, with their mark. */
  #source = "";
  #hasThought = false;

  /** `isStart`: nothing of the answer is there yet. */
  constructor(isStart: boolean, told: Told) {
    this.#state = isStart ? "start" : "text";
    this.#told = told;
  }

  add(piece: string): void {
    if (this.#state === "text") this.#told.text(piece);
    else if (this.#state === "start") this.#begin(this.#held + piece);
    else if (this.#state === "inside") this.#think(piece);
    else this.#answer(this.#held + piece);
  }

  /**
   * There is no more; `isWhole` when the model says so itself. Returns what was told as thoughts and is none, as their end never came: then it is the
   * answer, and all of it.
   */
  end(isWhole: boolean): string | null {
    const [state, held] = [this.#state, this.#held];
    this.#state = "text";
    this.#held = "";
    if (state === "inside" && isWhole) return this.#source;
    if (state === "inside" && held.trim() !== "") this.#told.reasoning(held);
    if (state === "start" && held !== "") this.#told.text(held);
    if (state === "behind" && held.trim() !== "") this.#told.text(held.trimStart());
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
      this.#think(begun.slice(marks.open.length));
    } else if (all.length <= spaceMaxChars && known.some(({ open }) => open.startsWith(small)))
      this.#held = all;
    else {
      this.#state = "text";
      this.#held = "";
      this.#told.text(all);
    }
  }

  #think(piece: string): void {
    this.#source += piece;
    const all = this.#hasThought ? this.#held + piece : (this.#held + piece).trimStart();
    const { close } = this.#marks as Marks;
    const end = placeOf(all, close);
    if (end < 0) {
      const shown = all.length - heldBack(all, close);
      this.#held = all.slice(shown);
      this.#tell(all.slice(0, shown));
    } else {
      this.#tell(all.slice(0, end).trimEnd());
      this.#state = "behind";
      this.#answer(all.slice(end + close.length));
    }
  }

  #tell(thought: string): void {
    if (thought === "") return;
    this.#hasThought = true;
    this.#told.reasoning(thought);
  }

  #answer(all: string): void {
    const { behind = "" } = this.#marks as Marks;
    const begun = all.trimStart();
    const small = begun.slice(0, markMaxChars).toLowerCase();
    const rest = behind !== "" && small.startsWith(behind) ? begun.slice(behind.length).trimStart() : begun;
    this.#held = begun;
    if (rest === "" || (rest === begun && behind.startsWith(small))) return;
    this.#state = "text";
    this.#held = "";
    this.#told.text(rest);
  }
}

const markMaxChars = Math.max(...known.flatMap(({ open, behind = "" }) => [open.length, behind.length]));

/** Where a mark stands, in whatever letters; -1 when it does not. */
function placeOf(text: string, mark: string): number {
  for (let at = text.indexOf(mark[0] as string); at >= 0; at = text.indexOf(mark[0] as string, at + 1))
    if (text.slice(at, at + mark.length).toLowerCase() === mark) return at;
  return -1;
}

/** How much of the end of a text may be the beginning of a mark, with the space before it. */
function heldBack(text: string, mark: string): number {
  let chars = Math.min(mark.length - 1, text.length);
  while (chars > 0 && !mark.startsWith(text.slice(-chars).toLowerCase())) chars--;
  const before = text.slice(0, text.length - chars);
  return chars + Math.min(spaceMaxChars, before.length - before.trimEnd().length);
}
