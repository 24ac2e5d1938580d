// A Message as an article: the question in the reader's own voice, the answer as text on the page.
// While it is written its open end is an element of its own (#t, or #r for thoughts), which live/hub's frames grow.

import { raw } from "hono/html";
import { type Message, newId, type Utterance } from "../src/domain/conversation.ts";
import type { Run, Snapshot } from "../src/domain/run.ts";
import { escapeText, PlainStream } from "./markdown/plain.ts";
import { sentenceOf, type Words } from "./words.ts";

/** Ids of the elements that frames address. One Run at a time in a conversation, so its parts need no ids of their own. */
export const ids = { thread: "thread", tail: "t", reasoningTail: "r", reasoning: "reasoning", run: "run" } as const;

export const articleId = (message: string): string => `m-${message}`;

interface Props extends Utterance {
  /** The last message of the thread: the one that may be tried again. */
  readonly last: boolean;
  readonly words: Words;
}

/** A message that nobody is writing. */
export function MessageArticle({ message, run, siblings, last, words }: Props) {
  const status = run?.status ?? "done";
  const label = message.role === "user" ? words.you : words.assistant;
  return (
    <article id={articleId(message.id)} data-role={message.role} data-status={status} aria-label={label}>
      {message.reasoning !== "" && <Reasoning summary={words.thought} html={escapeText(message.reasoning)} />}
      <div class="text" dir="auto">
        {raw(escapeText(message.text))}
      </div>
      {run && <RunNotes run={run} words={words} />}
      <Acts message={message} run={run} siblings={siblings} last={last} words={words} />
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
      <div class="thought" dir="auto">
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
      {stats.droppedMessages !== undefined && <p class="note">{words.dropped(stats.droppedMessages)}</p>}
      {!slotFreed && <p class="note">{words.slotBusy}</p>}
      {status === "done" && figures.length > 0 && <p class="stats">{figures.join(" · ")}</p>}
    </>
  );
}

/** What can be done with a message. One form: the button that is pressed says what. */
function Acts({ message, run, siblings, last, words }: Props) {
  const { id, role, text } = message;
  const isOver = run !== null && run.status !== "done";
  const canContinue = last && run !== null && text !== "" && (isOver || run.finish === "length");
  return (
    <>
      <form hx-ws:send method="dialog" class="acts">
        <input type="hidden" name="message" value={id} />
        {siblings.length > 1 && <Branches id={id} siblings={siblings} words={words} />}
        {last && isOver && (
          <button type="submit" name="type" value="retry" class="plain">
            {words.tryAgain}
          </button>
        )}
        {canContinue && (
          <button type="submit" name="type" value="continue" class="plain">
            {words.continue}
          </button>
        )}
        <span class="quiet">
          {role === "assistant" && !(last && isOver) && (
            <button type="submit" name="type" value="retry">
              {words.regenerate}
            </button>
          )}
          {text !== "" && (
            <button type="button" data-copy={articleId(id)} data-done={words.copied}>
              {words.copy}
            </button>
          )}
          {role === "user" && (
            <button type="button" hx-get={`/c/${message.conversation}/edit/${id}`} hx-target={`#e-${id}`}>
              {words.edit}
            </button>
          )}
          <button type="submit" name="type" value="prune">
            {words.delete}
          </button>
        </span>
      </form>
      {role === "user" && <div id={`e-${id}`} class="edit" hx-morph-skip />}
    </>
  );
}

/** The place of a message among those that could stand there, and the way to its neighbours. */
function Branches({ id, siblings, words }: { id: string; siblings: readonly string[]; words: Words }) {
  const at = siblings.indexOf(id);
  const step = (to: string | undefined, label: string, sign: string) => (
    <button type="submit" name="select" value={to} disabled={to === undefined} aria-label={label} title={label}>
      {sign}
    </button>
  );
  return (
    <span class="branches">
      {step(siblings[at - 1], words.previousBranch, "‹")}
      <span>{`${at + 1} / ${siblings.length}`}</span>
      {step(siblings[at + 1], words.nextBranch, "›")}
    </span>
  );
}

/** An earlier question, to be asked anew as a branch beside it. Fetched when it is wanted. */
export function Edit({ message, words }: { message: Message; words: Words }) {
  return (
    <form hx-ws:send method="dialog">
      <input type="hidden" name="type" value="say" />
      <input type="hidden" name="message" value={newId()} />
      <input type="hidden" name="edits" value={message.id} />
      <textarea name="text" rows={2} aria-label={words.edit} autofocus>
        {raw(`\n${escapeText(message.text)}`)}
      </textarea>
      <button type="submit" class="plain">
        {words.askAnew}
      </button>
    </form>
  );
}
