// A Message as an article: the question in the reader's own voice, the answer as text on the page. While it
// is written, its open end is an element of its own (see markdown/stream; #r for thoughts) that frames grow.

import { raw } from "hono/html";
import type { Snapshot } from "../src/domain/event.ts";
import type { ConversationId } from "../src/domain/id.ts";
import { filesIn, plainText, sizeOf, textIn } from "../src/domain/part.ts";
import type { Run } from "../src/domain/run.ts";
import { Acts, type ActsProps } from "./acts.tsx";
import { answerHtml, citationsIn, GroundingLine, LostCitations } from "./answer.tsx";
import { FileList } from "./files.tsx";
import { unlinked } from "./markdown/citations.ts";
import { inWords } from "./markdown/marks.ts";
import { escapeText, PlainStream } from "./markdown/plain.ts";
import { MarkdownStream } from "./markdown/stream.ts";
import { NothingFound } from "./nothing-found.tsx";
import { sentenceOf, type Words } from "./words.ts";

/**
 * Ids of the elements that frames address. A conversation has one Run at a time, so these ids are constant.
 */
export const ids = { thread: "thread", thought: "think", thoughtTail: "r", run: "run" } as const;

export const articleId = (message: string): string => `m-${message}`;

/** Id of finished thoughts. */
export const thoughtId = (message: string): string => `r-${message}`;

/** Where the text of a message stands. */
export const textOf = (message: string): string => `#${articleId(message)}>.text`;

interface Props extends ActsProps {
  /** For somebody who only reads: nothing can be pressed. */
  readonly isReader?: boolean;
}

/** A finished message. A person's text is shown as typed, a model's text is rendered as Markdown. */
export function MessageArticle(props: Props) {
  const { message, run, words } = props;
  const thought = textIn(message.parts, "thought");
  const status = run?.status ?? "done";
  const label = message.role === "user" ? words.you : words.assistant;
  const html = message.role === "user" ? escapeText(message.text) : answerHtml(message, props);
  return (
    <article id={articleId(message.id)} data-role={message.role} data-status={status} aria-label={label}>
      <h2 class="unseen">{label}</h2>
      {thought !== "" && (
        <Thought message={message.id} text={thought} ms={run?.stats.thinkingMs} words={words} />
      )}
      <FileList files={filesIn(message.parts)} isReader={props.isReader === true} words={words} />
      <div class="text" dir="auto">
        {raw(html)}
      </div>
      <After {...props} />
    </article>
  );
}

/** What stands behind the text of a message: how its Run ended, what can be done with it. */
export function After(props: Props) {
  return (
    <>
      <GroundingLine {...props} />
      <LostCitations {...props} />
      {props.run?.stats.nothingFound && !props.isReader && <NothingFound {...props} />}
      {props.run && <RunNotes run={props.run} words={props.words} />}
      {props.isReader !== true && <Acts {...props} />}
    </>
  );
}

/** An article without content: a frame with it changes only the attributes. */
export function ArticleShell({ message, status, words }: { message: string; status: string; words: Words }) {
  return (
    <article
      id={articleId(message)}
      data-role="assistant"
      data-status={status}
      aria-label={words.assistant}
      hx-morph-skip-children
    />
  );
}

/** An answer in progress as the page shows it: HTML of its text so far, with the elements that grow. */
export interface RenderedAnswer {
  readonly text: string;
  readonly thought: string;
}

/** What an article shows of a Run in progress. */
export type RunningSnapshot = Pick<
  Snapshot,
  "messageId" | "status" | "parts" | "thinkingSince" | "place" | "progress"
>;

/** The answer that is being written now; `rendered` is what those who watch it have on their pages. */
export function RunningArticle({
  snapshot,
  conversation,
  rendered,
  isReader,
  words,
}: {
  snapshot: RunningSnapshot;
  conversation: ConversationId;
  rendered?: RenderedAnswer | undefined;
  isReader?: boolean;
  words: Words;
}) {
  const { parts, thinkingSince } = snapshot;
  const [text, thought] = [plainText(parts), textIn(parts, "thought")];
  const citations = citationsIn(parts, conversation);
  const html = rendered?.text ?? new MarkdownStream(text, undefined, citations).html;
  const isThinking = thought !== "" && text === "";
  return (
    <article
      id={articleId(snapshot.messageId)}
      data-role="assistant"
      data-status={snapshot.status}
      aria-label={words.assistant}
    >
      <h2 class="unseen">{words.assistant}</h2>
      {isThinking ? (
        <Thinking
          html={rendered?.thought ?? openThought(thought)}
          seconds={secondsSince(thinkingSince)}
          words={words}
        />
      ) : thought !== "" ? (
        <Thought message={snapshot.messageId} text={thought} words={words} />
      ) : (
        <div id={ids.thought} />
      )}
      <div class="text" dir="auto">
        {raw(inWords(citations && isReader ? unlinked(html) : html, words))}
      </div>
      <div id={ids.run} class="run">
        <RunState snapshot={snapshot} isReader={isReader ?? false} words={words} />
      </div>
    </article>
  );
}

/** What a Run is doing before its first token, in words. */
export function RunState({
  snapshot,
  isReader,
  words,
}: {
  snapshot: Pick<Snapshot, "status" | "place" | "progress" | "parts">;
  isReader: boolean;
  words: Words;
}) {
  const { status, place, progress } = snapshot;
  if (sizeOf(snapshot.parts) > 0) return <></>;
  if (status === "queued")
    return (
      <>
        <span>{place ? words.waiting(place) : words.starting}</span>
        {place && !isReader && (
          <button type="submit" class="leave" form="halt">
            {words.leaveLine}
          </button>
        )}
      </>
    );
  if (progress === null || progress.processed >= progress.total) return <span>{words.starting}</span>;
  return (
    <>
      <span>{words.reading(progress.processed, progress.total)}</span>
      <progress max={progress.total} value={progress.processed} aria-label={words.starting} />
    </>
  );
}

/** Whole seconds since a moment. */
export function secondsSince(time: number | null): number {
  return time === null ? 0 : Math.floor((Date.now() - time) / 1000);
}

/** HTML of a thought in progress: plain text, its open end in an element of its own. */
export function openThought(text: string): string {
  const { finished, tail } = PlainStream.parts(text);
  return `${finished}<span id=${ids.thoughtTail}>${tail}</span>`;
}

/** Thoughts while they are written. */
export function Thinking({ html, seconds, words }: { html: string; seconds: number; words: Words }) {
  return (
    <details id={ids.thought} class="reasoning" open>
      <summary>{words.thinking(seconds)}</summary>
      <div class="thought" dir="auto">
        {raw(html)}
      </div>
    </details>
  );
}

/** Finished thoughts, folded. */
export function Thought({
  message,
  text,
  ms,
  words,
}: {
  message: string;
  text: string;
  ms?: number | undefined;
  words: Words;
}) {
  return (
    <details id={thoughtId(message)} class="reasoning">
      <summary>{words.thought(ms === undefined ? null : Math.round(ms / 1000))}</summary>
      <div class="thought" dir="auto">
        {raw(escapeText(text))}
      </div>
    </details>
  );
}

/** How a Run ended, and its figures. */
function RunNotes({ run, words }: { run: Run; words: Words }) {
  const { status, failure, finish, stats, slotFreed } = run;
  const [brief, ...figures] = words.stats(run);
  return (
    <>
      {failure && <p class="failure">{sentenceOf(failure, words)}</p>}
      {run.withoutDocuments && <p class="note">{words.source.answeredWithout}</p>}
      {status === "stopped" && <p class="note">{words.stopped}</p>}
      {status === "interrupted" && <p class="note">{words.interrupted}</p>}
      {finish === "length" && <p class="note">{words.lengthLimit}</p>}
      {stats.droppedMessages !== undefined && <p class="note">{words.dropped(stats.droppedMessages)}</p>}
      {!slotFreed && <p class="note">{words.slotBusy}</p>}
      {brief !== undefined && (
        <details class="stats">
          <summary>{brief}</summary>
          <ul>
            {figures.map((figure) => (
              <li>{figure}</li>
            ))}
          </ul>
        </details>
      )}
    </>
  );
}
