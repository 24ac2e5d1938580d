// A Message as an article: the question in the reader's own voice, the answer as text on the page.
// While it is written its open end is an element of its own (#t, or #r for thoughts), which live/hub's frames grow.

import { raw } from "hono/html";
import type { Message } from "../src/domain/conversation.ts";
import type { Run, Snapshot } from "../src/domain/run.ts";
import { escapeText, PlainStream } from "./markdown/plain.ts";
import { sentenceOf, type Words } from "./words.ts";

/** Ids of the elements that frames address. One Run at a time in a conversation, so its parts need no ids of their own. */
export const ids = { thread: "thread", tail: "t", reasoningTail: "r", reasoning: "reasoning", run: "run" } as const;

export const articleId = (message: string): string => `m-${message}`;

interface Props {
  readonly message: Message;
  readonly run: Run | null;
  /** The last message of the thread: the one that may be tried again. */
  readonly last: boolean;
  readonly words: Words;
}

/** A message that nobody is writing. */
export function MessageArticle({ message, run, last, words }: Props) {
  const status = run?.status ?? "done";
  const label = message.role === "user" ? words.you : words.assistant;
  return (
    <article id={articleId(message.id)} data-role={message.role} data-status={status} aria-label={label}>
      {message.reasoning !== "" && <Reasoning summary={words.thought} html={escapeText(message.reasoning)} />}
      <div class="text" dir="auto">
        {raw(escapeText(message.text))}
      </div>
      {run && <RunNotes run={run} words={words} />}
      {last && run && (status === "failed" || status === "interrupted" || status === "stopped") && <TryAgain message={message.id} words={words} />}
    </article>
  );
}

/** The answer that is being written now. */
export function RunningArticle({ snapshot, words }: { snapshot: Snapshot; words: Words }) {
  const { finished, tail } = PlainStream.parts(snapshot.text);
  return (
    <article id={articleId(snapshot.messageId)} data-role="assistant" data-status={snapshot.status} aria-label={words.assistant}>
      <div id={ids.reasoning}>{snapshot.reasoning !== "" && <OpenReasoning text={snapshot.reasoning} words={words} />}</div>
      <div class="text" dir="auto">
        {raw(finished)}
        <span id={ids.tail}>{raw(tail)}</span>
      </div>
      <p id={ids.run} class="run">
        <RunState snapshot={snapshot} words={words} />
      </p>
    </article>
  );
}

/** What a Run is doing before its first token, in words. */
export function RunState({ snapshot, words }: { snapshot: Pick<Snapshot, "status" | "place" | "progress" | "text" | "reasoning">; words: Words }) {
  const { status, place, progress } = snapshot;
  if (snapshot.text !== "" || snapshot.reasoning !== "") return <></>;
  if (status === "queued") return <span>{place ? words.waiting(place) : words.starting}</span>;
  if (progress === null || progress.processed >= progress.total) return <span>{words.starting}</span>;
  return (
    <>
      <span>{words.reading(progress.processed, progress.total)}</span>
      <progress max={progress.total} value={progress.processed} aria-label={words.starting} />
    </>
  );
}

export function OpenReasoning({ text, words }: { text: string; words: Words }) {
  const { finished, tail } = PlainStream.parts(text);
  return <Reasoning open summary={words.thinking} html={`${finished}<span id=${ids.reasoningTail}>${tail}</span>`} />;
}

function Reasoning({ summary, html, open }: { summary: string; html: string; open?: boolean }) {
  return (
    <details class="reasoning" open={open}>
      <summary>{summary}</summary>
      <div class="text" dir="auto">
        {raw(html)}
      </div>
    </details>
  );
}

/** How a Run ended, and its figures. */
function RunNotes({ run, words }: { run: Run; words: Words }) {
  const { status, failure, finish, stats, slotFreed } = run;
  const figures = words.stats(stats);
  return (
    <>
      {failure && <p class="failure">{sentenceOf(failure, words)}</p>}
      {status === "stopped" && <p class="note">{words.stopped}</p>}
      {status === "interrupted" && <p class="note">{words.interrupted}</p>}
      {finish === "length" && <p class="note">{words.lengthLimit}</p>}
      {!slotFreed && <p class="note">{words.slotBusy}</p>}
      {status === "done" && figures.length > 0 && <p class="stats">{figures.join(" · ")}</p>}
    </>
  );
}

function TryAgain({ message, words }: { message: string; words: Words }) {
  return (
    <form hx-ws:send method="dialog" class="again">
      <input type="hidden" name="type" value="retry" />
      <input type="hidden" name="message" value={message} />
      <button type="submit">{words.tryAgain}</button>
    </form>
  );
}
