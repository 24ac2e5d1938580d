// The frames for the events of a Run, and what the pages of a Room show of its answers in progress. The only
// place that knows both RunEvents and elements of the page; their HTML is in live/run-fragments, their
// thoughts are in live/thought-frames.

import { citationsIn } from "../../views/answer.tsx";
import { changes, fragment } from "../../views/frame.ts";
import { unlinked } from "../../views/markdown/citations.ts";
import { hasWords, inWords } from "../../views/markdown/marks.ts";
import { MarkdownStream } from "../../views/markdown/stream.ts";
import { ids, type RenderedAnswer, textOf } from "../../views/message.tsx";
import { wordsOf } from "../../views/words.ts";
import type { RunEvent, Snapshot } from "../domain/event.ts";
import type { ConversationId, RunId } from "../domain/id.ts";
import { type Parts, plainText, sizeOf, sourcesIn } from "../domain/part.ts";
import { controls } from "./frames.ts";
import { endedFragment, queuedFragment, startedFragment, stateFragment } from "./run-fragments.ts";
import { ThoughtFrames } from "./thought-frames.ts";
import { type Frame, oncePerView, type View } from "./view.ts";

/** For events that change nothing on a page. */
const noFrame: Frame = () => "";

/** What every page of a Room shows of one answer in progress. */
interface ShownAnswer {
  readonly message: string;
  readonly text: MarkdownStream;
  readonly thoughts: ThoughtFrames;
  /** The answer may cite sources. */
  readonly hasSources: boolean;
  /** True until the first piece of the answer or its thoughts is shown. */
  isEmpty: boolean;
}

/** Renders the events of a Room's Runs. */
export class RunFrames {
  readonly #shown = new Map<RunId, ShownAnswer>();
  readonly #conversation: ConversationId;

  /** `live` are the Runs in progress when the Room opens. */
  constructor(conversation: ConversationId, live: readonly Snapshot[]) {
    this.#conversation = conversation;
    for (const snapshot of live) this.#add(snapshot.run, snapshot.messageId, snapshot);
  }

  /** What the pages show of a Run in progress. */
  rendered(run: RunId): RenderedAnswer | undefined {
    const shown = this.#shown.get(run);
    return shown && { text: shown.text.html, thought: shown.thoughts.html };
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
        // the passages that the answer may cite are known now
        if (sourcesIn(event.answer.parts).length > 0 && this.#shown.get(event.run)?.hasSources === false)
          this.#add(event.run, event.messageId, event.answer);
        const rendered = this.rendered(event.run);
        return oncePerView((view) => startedFragment(event, rendered, view));
      }
      case "prompt": {
        const state = { status: "running", place: null, progress: event.progress } as const;
        return oncePerView((view) => stateFragment(state, view));
      }
      case "part":
        return this.#piece(event);
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
    const citations = citationsIn(parts, this.#conversation);
    this.#shown.set(run, {
      message,
      text: new MarkdownStream(plainText(parts), undefined, citations),
      hasSources: citations !== null,
      thoughts: new ThoughtFrames(message, parts, thinkingSince),
      isEmpty: sizeOf(parts) === 0,
    });
  }

  /** Each kind of part that grows has frames of its own. */
  #piece({ run, piece: { kind, text }, since }: RunEvent & { kind: "part" }): Frame {
    switch (kind) {
      case "text":
        return this.#text(run, text);
      case "thought":
        return this.#thought(run, text, since);
    }
  }

  #text(run: RunId, text: string): Frame {
    const shown = this.#shown.get(run);
    if (!shown) return noFrame;
    const frame = this.#clearState(shown) + changes(shown.text.push(text), textOf(shown.message));
    const folded = shown.thoughts.fold();
    if (folded === null && !hasWords(frame) && !shown.hasSources) return () => frame;
    return oncePerView((view) => (folded?.(view) ?? "") + textFor(view, frame, shown));
  }

  #thought(run: RunId, text: string, since: number | null): Frame {
    const shown = this.#shown.get(run);
    return shown ? shown.thoughts.grow(text, since, this.#clearState(shown)) : noFrame;
  }

  /** The first piece of an answer replaces the state line that was shown while it was awaited. */
  #clearState(shown: ShownAnswer): string {
    const first = shown.isEmpty ? fragment(ids.run, "innerHTML") : "";
    shown.isEmpty = false;
    return first;
  }

  #ended(event: RunEvent & { kind: "ended" }): Frame {
    const shown = this.#shown.get(event.run);
    this.#shown.delete(event.run);
    if (!shown) return noFrame;
    const last = changes(shown.text.end(event.utterance.message.text), textOf(event.messageId));
    const thoughts = shown.thoughts.end(event);
    return oncePerView((view) => endedFragment(event, textFor(view, last, shown) + thoughts(view), view));
  }
}

/** Changes of a text as a view shows them: in its language; a reader with a link can't open the sources. */
function textFor({ language, isReader }: View, html: string, { hasSources }: ShownAnswer): string {
  const worded = inWords(html, wordsOf(language));
  return hasSources && isReader ? unlinked(worded) : worded;
}
