// What the events of a Run change on a page: the only place that knows both RunEvents and the page's
// elements. Keeps what all who watch an answer have on their pages of it.

import { changes, fragment, fragmentAt, growth, titleFragment } from "../../views/frame.ts";
import { hasWords, inWords } from "../../views/markdown/marks.ts";
import { PlainStream } from "../../views/markdown/plain.ts";
import { MarkdownStream, openIds } from "../../views/markdown/stream.ts";
import {
  After,
  ArticleShell,
  articleId,
  type Drawn,
  ids,
  MessageArticle,
  openThought,
  RunningArticle,
  RunState,
  secondsSince,
  Thinking,
  Thought,
  textOf,
  thoughtId,
} from "../../views/message.tsx";
import { wordsOf } from "../../views/words.ts";
import { type Message, titleFrom } from "../domain/conversation.ts";
import type { RunEvent, Snapshot } from "../domain/event.ts";
import type { RunId } from "../domain/id.ts";
import { controls, type Frame, gauge, once, type View } from "./frames.ts";

/** For events that change nothing on a page. */
const nothing: Frame = () => "";

/** The element that tells screen readers of an answer's start and end. */
const announce = "announce";

/** An answer as it grows on the pages of a Room. */
interface Growing {
  readonly text: MarkdownStream;
  /** Its thoughts; null once they are folded away. */
  thought: {
    readonly stream: PlainStream;
    text: string;
    seconds: number;
    readonly since: number | null;
  } | null;
  readonly message: string;
  /** The thoughts that are on the pages folded. */
  folded: string;
  /** Nothing of it has been seen yet. */
  isSilent: boolean;
}

/** Renders the events of a Room's Runs. Keeps what every watcher's page shows of an answer in progress. */
export class RunFrames {
  readonly #growing = new Map<RunId, Growing>();

  /** `live` are the Runs in progress when the Room opens. */
  constructor(live: readonly Snapshot[]) {
    for (const snapshot of live) this.#open(snapshot.run, snapshot.messageId, snapshot);
  }

  /** What the pages show of a Run in progress. */
  drawn(run: RunId): Drawn | undefined {
    const growing = this.#growing.get(run);
    return (
      growing && {
        text: growing.text.html,
        reasoning: growing.thought === null ? "" : openThought(growing.thought.text),
      }
    );
  }

  /** The frame for an event; must be called once for each, in order. */
  of(event: RunEvent): Frame {
    switch (event.kind) {
      case "queued":
        this.#open(event.run, event.messageId, event.answer);
        return event.question === null ? nothing : once((view) => queuedFrame(event, view));
      case "place":
        return once((view) =>
          fragment(
            ids.run,
            "innerHTML",
            runState({ status: "queued", place: event.place, progress: null }, view),
          ),
        );
      case "started": {
        const drawn = this.drawn(event.run);
        return once((view) => startedFrame(event, drawn, view));
      }
      case "prompt":
        return once((view) =>
          fragment(
            ids.run,
            "innerHTML",
            runState({ status: "running", place: null, progress: event.progress }, view),
          ),
        );
      case "reasoning":
        return this.#reasoning(event.run, event.text, event.since);
      case "text":
        return this.#text(event.run, event.text);
      case "stopping":
        return once((view) => controls("stopping", view));
      case "ended":
        return this.#ended(event);
    }
  }

  #open(
    run: RunId,
    message: string,
    { text, reasoning, thinkingSince }: { text: string; reasoning: string; thinkingSince?: number | null },
  ): void {
    const thought =
      reasoning !== "" && text === ""
        ? { stream: new PlainStream(reasoning), text: reasoning, seconds: -1, since: thinkingSince ?? null }
        : null;
    this.#growing.set(run, {
      text: new MarkdownStream(text),
      thought,
      message,
      folded: thought ? "" : reasoning,
      isSilent: text === "" && reasoning === "",
    });
  }

  #text(run: RunId, text: string): Frame {
    const growing = this.#growing.get(run);
    if (!growing) return nothing;
    const frame = this.#begin(growing) + changes(growing.text.push(text), textOf(growing.message));
    const { thought } = growing;
    growing.thought = null;
    if (thought) growing.folded = thought.text;
    if (thought === null && !hasWords(frame)) return () => frame;
    return once(
      (view) =>
        (thought
          ? folded(ids.reasoning, growing.message, { text: thought.text, ms: passed(thought.since) }, view)
          : "") + inWords(frame, wordsOf(view.language)),
    );
  }

  /** The first sign of an answer takes the place of what was said of waiting for it. */
  #begin(growing: Growing): string {
    const first = growing.isSilent ? fragment(ids.run, "innerHTML") : "";
    growing.isSilent = false;
    return first;
  }

  #reasoning(run: RunId, text: string, since: number | null): Frame {
    const growing = this.#growing.get(run);
    if (!growing) return nothing;
    const first = this.#begin(growing);
    const seconds = secondsSince(since);
    if (growing.thought === null) {
      if (growing.folded !== "") return nothing; // thought again in the middle of the answer: told at its end
      growing.thought = { stream: new PlainStream(text), text, seconds, since };
      const html = openThought(text);
      return once(
        (view) =>
          first +
          fragment(
            ids.reasoning,
            "outerHTML",
            String(Thinking({ html, seconds, words: wordsOf(view.language) })),
          ),
      );
    }
    const { thought } = growing;
    const { finished, tail } = thought.stream.push(text);
    thought.text += text;
    const frame = first + growth(ids.reasoningTail, finished, tail);
    if (seconds === thought.seconds) return () => frame;
    thought.seconds = seconds;
    return once(
      (view) =>
        frame +
        fragmentAt(`#${ids.reasoning}>summary`, Bun.escapeHTML(wordsOf(view.language).thinking(seconds))),
    );
  }

  #ended(event: RunEvent & { kind: "ended" }): Frame {
    const growing = this.#growing.get(event.run);
    this.#growing.delete(event.run);
    if (!growing) return nothing;
    const last = changes(growing.text.end(event.utterance.message.text), textOf(event.messageId));
    const { reasoning } = event.utterance.message;
    const place = growing.folded === "" ? ids.reasoning : thoughtId(event.messageId);
    const ms = event.utterance.run.stats.thinkingMs;
    return once((view) => {
      // all of it may have come at once, unseen until now; or more of it behind the answer's beginning
      const isSame = reasoning === growing.folded;
      const thoughts =
        reasoning === ""
          ? fragment(ids.reasoning, "delete")
          : isSame
            ? ""
            : folded(place, event.messageId, { text: reasoning, ms }, view);
      return endedFrame(event, inWords(last, wordsOf(view.language)) + thoughts, view);
    });
  }
}

/** Milliseconds since a moment. */
function passed(since: number | null): number | undefined {
  return since === null ? undefined : Date.now() - since;
}

/** Thoughts that are over, in the place of those that came. */
function folded(
  place: string,
  message: string,
  { text, ms }: { text: string; ms: number | undefined },
  view: View,
): string {
  return fragment(place, "outerHTML", String(Thought({ message, text, ms, words: wordsOf(view.language) })));
}

function runState(state: Pick<Snapshot, "status" | "place" | "progress">, view: View): string {
  return String(
    RunState({
      snapshot: { ...state, text: "", reasoning: "" },
      isReader: view.isReader,
      words: wordsOf(view.language),
    }),
  );
}

/** A Run that has written nothing yet, below what `answer` may hold already. */
function begun(event: RunEvent, { text, reasoning }: Message, status: "queued" | "running"): Snapshot {
  return {
    run: event.run,
    messageId: event.messageId,
    n: event.n,
    status,
    text,
    reasoning,
    thinkingSince: null,
    place: null,
    progress: null,
    stopping: false,
  };
}

function queuedFrame(event: RunEvent & { kind: "queued" }, view: View): string {
  const words = wordsOf(view.language);
  const answer = String(
    RunningArticle({ snapshot: begun(event, event.answer, "queued"), isReader: view.isReader, words }),
  );
  const question = event.question
    ? String(
        MessageArticle({
          message: event.question,
          run: null,
          siblings: [event.question.id],
          last: false,
          isReader: view.isReader,
          words,
        }),
      )
    : "";
  const title = event.question?.parent === null ? titleFragment(titleFrom(event.question.text)) : "";
  return fragment(ids.thread, "beforeend", question + answer) + controls("busy", view) + title;
}

function startedFrame(event: RunEvent & { kind: "started" }, drawn: Drawn | undefined, view: View): string {
  const words = wordsOf(view.language);
  const article = String(
    RunningArticle({
      snapshot: begun(event, event.answer, "running"),
      drawn,
      isReader: view.isReader,
      words,
    }),
  );
  return (
    fragment(articleId(event.messageId), "outerHTML", article) +
    fragment(announce, "innerHTML", words.answering)
  );
}

/** `last` is what remains to be changed in text and thoughts: the whole of the text is never sent again. */
function endedFrame(event: RunEvent & { kind: "ended" }, last: string, view: View): string {
  const words = wordsOf(view.language);
  const { message, run } = event.utterance;
  const after = String(After({ ...event.utterance, last: true, isReader: view.isReader, words }));
  return (
    last +
    fragment(openIds.block, "delete") +
    fragment(ids.run, "outerHTML", after) +
    fragment(
      articleId(message.id),
      "outerMorph",
      String(ArticleShell({ message: message.id, status: run.status, words })),
    ) +
    controls("idle", view) +
    (run.stats.contextTokens === undefined ? "" : gauge([event.utterance], view)) +
    fragment(announce, "innerHTML", words.answerEnd[run.status as keyof typeof words.answerEnd])
  );
}
