// The frames for the thoughts of one answer: open while they grow, folded when the answer begins or has
// ended.

import { fragment, fragmentAt, growth } from "../../views/frame.ts";
import { PlainStream } from "../../views/markdown/plain.ts";
import { ids, openThought, secondsSince, Thinking, thoughtId } from "../../views/message.tsx";
import { wordsOf } from "../../views/words.ts";
import type { RunEvent } from "../domain/event.ts";
import { type Parts, plainText, textIn } from "../domain/part.ts";
import { foldedThought } from "./run-fragments.ts";
import { type Frame, oncePerView } from "./view.ts";

/** Thoughts that grow on the pages. */
interface OpenThoughts {
  readonly stream: PlainStream;
  text: string;
  seconds: number;
  /** When the first thought arrived, in milliseconds since 1970. */
  readonly since: number | null;
}

/** What every page of a Room shows of the thoughts of one answer in progress. */
export class ThoughtFrames {
  readonly #message: string;
  /** null before the first thought, and once the thoughts are folded. */
  #open: OpenThoughts | null = null;
  /** Text of the thoughts that the pages show folded. */
  #folded = "";

  /** `parts` are those that the pages show; `since` is when the first thought arrived. */
  constructor(message: string, parts: Parts, since: number | null) {
    this.#message = message;
    const text = textIn(parts, "thought");
    if (text === "") return;
    if (plainText(parts) !== "") this.#folded = text;
    else this.#open = { stream: new PlainStream(text), text, seconds: -1, since };
  }

  /** The thoughts that the pages show open. */
  get html(): string {
    return this.#open === null ? "" : openThought(this.#open.text);
  }

  /** Adds a piece. `before` goes before it in the frame. */
  grow(piece: string, since: number | null, before: string): Frame {
    if (this.#open === null) return this.#begin(piece, since, before);
    const thoughts = this.#open;
    const { finished, tail } = thoughts.stream.push(piece);
    thoughts.text += piece;
    const frame = before + growth(ids.thoughtTail, finished, tail);
    const seconds = secondsSince(since);
    if (seconds === thoughts.seconds) return () => frame;
    thoughts.seconds = seconds;
    return oncePerView(
      ({ language }) =>
        frame + fragmentAt(`#${ids.thought}>summary`, Bun.escapeHTML(wordsOf(language).thinking(seconds))),
    );
  }

  #begin(text: string, since: number | null, before: string): Frame {
    if (this.#folded !== "") return () => ""; // thoughts in the middle of an answer are shown at its end
    const seconds = secondsSince(since);
    this.#open = { stream: new PlainStream(text), text, seconds, since };
    const html = openThought(text);
    return oncePerView(({ language }) => {
      const thinking = Thinking({ html, seconds, words: wordsOf(language) });
      return before + fragment(ids.thought, "outerHTML", String(thinking));
    });
  }

  /** The answer begins: folds the thoughts that are open. Null if there are none. */
  fold(): Frame | null {
    if (this.#open === null) return null;
    const { text, since } = this.#open;
    this.#open = null;
    this.#folded = text;
    return (view) => {
      const ms = since === null ? undefined : Date.now() - since;
      return foldedThought(ids.thought, this.#message, { text, ms }, view);
    };
  }

  /** The answer has ended: its thoughts may all be unseen until now, or more of them came after it began. */
  end({ utterance: { message, run } }: RunEvent & { kind: "ended" }): Frame {
    const text = textIn(message.parts, "thought");
    if (text === "") return () => fragment(ids.thought, "delete");
    if (text === this.#folded) return () => "";
    const place = this.#folded === "" ? ids.thought : thoughtId(message.id);
    return (view) => foldedThought(place, message.id, { text, ms: run.stats.thinkingMs }, view);
  }
}
