// The frames for the events of a Run, and what the pages of a Room show of its answers in progress. The only
// place that knows both RunEvents and elements of the page; their HTML is in live/run-fragments.

import { changes, fragment, fragmentAt, growth } from "../../views/frame.ts";
import { hasWords, inWords } from "../../views/markdown/marks.ts";
import { PlainStream } from "../../views/markdown/plain.ts";
import { MarkdownStream } from "../../views/markdown/stream.ts";
import {
  ids,
  openThought,
  type RenderedAnswer,
  secondsSince,
  Thinking,
  textOf,
  thoughtId,
} from "../../views/message.tsx";
import { wordsOf } from "../../views/words.ts";
import type { RunEvent, Snapshot } from "../domain/event.ts";
import type { RunId } from "../domain/id.ts";
import { type Parts, plainText, textIn } from "../domain/part.ts";
import { controls } from "./frames.ts";
import {
  endedFragment,
  foldedThought,
  queuedFragment,
  startedFragment,
  stateFragment,
} from "./run-fragments.ts";
import { type Frame, oncePerView } from "./view.ts";

/** For events that change nothing on a page. */
const noFrame: Frame = () => "";

/** What every page of a Room shows of one answer in progress. */
interface ShownAnswer {
  readonly text: MarkdownStream;
  /** Thoughts that are still open on the pages; null once they are folded. */
  thought: {
    readonly stream: PlainStream;
    text: string;
    seconds: number;
    /** When the first thought arrived, in milliseconds since 1970. */
    readonly since: number | null;
  } | null;
  readonly message: string;
  /** Text of the thoughts that the pages show folded. */
  folded: string;
  /** True until the first piece of the answer or its thoughts is shown. */
  isEmpty: boolean;
}

/** Renders the events of a Room's Runs. */
export class RunFrames {
  readonly #shown = new Map<RunId, ShownAnswer>();

  /** `live` are the Runs in progress when the Room opens. */
  constructor(live: readonly Snapshot[]) {
    for (const snapshot of live) this.#add(snapshot.run, snapshot.messageId, snapshot);
  }

  /** What the pages show of a Run in progress. */
  rendered(run: RunId): RenderedAnswer | undefined {
    const shown = this.#shown.get(run);
    return (
      shown && {
        text: shown.text.html,
        thought: shown.thought === null ? "" : openThought(shown.thought.text),
      }
    );
  }

  /** The frame for an event. Must be called exactly once for each event, in order. */
  frameOf(event: RunEvent): Frame {
    switch (event.kind) {
      case "queued":
        this.#add(event.run, event.messageId, event.answer);
        return event.question === null ? noFrame : oncePerView((view) => queuedFragment(event, view));
      case "place": {
        const state = { status: "queued", place: event.place, progress: null } as const;
        return oncePerView((view) => stateFragment(state, view));
      }
      case "started": {
        const rendered = this.rendered(event.run);
        return oncePerView((view) => startedFragment(event, rendered, view));
      }
      case "prompt": {
        const state = { status: "running", place: null, progress: event.progress } as const;
        return oncePerView((view) => stateFragment(state, view));
      }
      case "part": {
        const { kind, text } = event.piece;
        return kind === "text" ? this.#text(event.run, text) : this.#thought(event.run, text, event.since);
      }
      case "stopping":
        return oncePerView((view) => controls("stopping", view));
      case "ended":
        return this.#ended(event);
    }
  }

  #add(
    run: RunId,
    message: string,
    { parts, thinkingSince = null }: { parts: Parts; thinkingSince?: number | null },
  ): void {
    const [text, thoughts] = [plainText(parts), textIn(parts, "thought")];
    const thought =
      thoughts !== "" && text === ""
        ? { stream: new PlainStream(thoughts), text: thoughts, seconds: -1, since: thinkingSince }
        : null;
    this.#shown.set(run, {
      text: new MarkdownStream(text),
      thought,
      message,
      folded: thought ? "" : thoughts,
      isEmpty: text === "" && thoughts === "",
    });
  }

  #text(run: RunId, text: string): Frame {
    const shown = this.#shown.get(run);
    if (!shown) return noFrame;
    const frame = this.#clearState(shown) + changes(shown.text.push(text), textOf(shown.message));
    const { thought } = shown;
    shown.thought = null;
    if (thought) shown.folded = thought.text;
    if (thought === null && !hasWords(frame)) return () => frame;
    return oncePerView(
      (view) =>
        (thought
          ? foldedThought(
              ids.thought,
              shown.message,
              { text: thought.text, ms: elapsed(thought.since) },
              view,
            )
          : "") + inWords(frame, wordsOf(view.language)),
    );
  }

  /** The first piece of an answer replaces the state line that was shown while it was awaited. */
  #clearState(shown: ShownAnswer): string {
    const first = shown.isEmpty ? fragment(ids.run, "innerHTML") : "";
    shown.isEmpty = false;
    return first;
  }

  #thought(run: RunId, text: string, since: number | null): Frame {
    const shown = this.#shown.get(run);
    if (!shown) return noFrame;
    const first = this.#clearState(shown);
    const seconds = secondsSince(since);
    if (shown.thought === null) {
      if (shown.folded !== "") return noFrame; // thoughts in the middle of an answer are shown at its end
      shown.thought = { stream: new PlainStream(text), text, seconds, since };
      const html = openThought(text);
      return oncePerView(
        (view) =>
          first +
          fragment(
            ids.thought,
            "outerHTML",
            String(Thinking({ html, seconds, words: wordsOf(view.language) })),
          ),
      );
    }
    const { thought } = shown;
    const { finished, tail } = thought.stream.push(text);
    thought.text += text;
    const frame = first + growth(ids.thoughtTail, finished, tail);
    if (seconds === thought.seconds) return () => frame;
    thought.seconds = seconds;
    return oncePerView(
      (view) =>
        frame +
        fragmentAt(`#${ids.thought}>summary`, Bun.escapeHTML(wordsOf(view.language).thinking(seconds))),
    );
  }

  #ended(event: RunEvent & { kind: "ended" }): Frame {
    const shown = this.#shown.get(event.run);
    this.#shown.delete(event.run);
    if (!shown) return noFrame;
    const last = changes(shown.text.end(event.utterance.message.text), textOf(event.messageId));
    const thoughts = textIn(event.utterance.message.parts, "thought");
    const place = shown.folded === "" ? ids.thought : thoughtId(event.messageId);
    const ms = event.utterance.run.stats.thinkingMs;
    return oncePerView((view) => {
      // the thoughts may all be unseen until now, or more of them came after the answer began
      const isSame = thoughts === shown.folded;
      const folded =
        thoughts === ""
          ? fragment(ids.thought, "delete")
          : isSame
            ? ""
            : foldedThought(place, event.messageId, { text: thoughts, ms }, view);
      return endedFragment(event, inWords(last, wordsOf(view.language)) + folded, view);
    });
  }
}

/** Milliseconds since a time in milliseconds since 1970. */
function elapsed(since: number | null): number | undefined {
  return since === null ? undefined : Date.now() - since;
}
