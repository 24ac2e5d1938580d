// What a citation leads to: the passage, where it stands, and what is known of its document. Also the panel
// beside a conversation that shows it.

import type { DocumentNow, Piece } from "../src/domain/document.ts";
import type { SourcePart } from "../src/domain/part.ts";
import type { Words } from "./words.ts";

/** A source as it is shown. */
export interface ShownSource {
  readonly source: SourcePart;
  /** The passage, with the words that are marked. */
  readonly pieces: readonly Piece[];
  readonly now: DocumentNow;
  /** Address of the document's file. */
  readonly original: string;
  readonly words: Words;
}

/** What is shown of a neighbour, in UTF-16 units. */
const besideMaxChars = 400;

/** The content of the panel. Its heading has the focus when it opens. */
export function SourcePanel(shown: ShownSource) {
  const { source, words } = shown;
  return (
    <>
      <form method="dialog">
        <h2 id={panel.title} tabindex={-1} autofocus>
          {words.source.title(source.n)}
        </h2>
        <button type="submit" aria-label={words.source.close} title={words.source.close}>
          ×
        </button>
      </form>
      <Source {...shown} />
    </>
  );
}

const panel = { id: "source", title: "source-title" } as const;

/** The panel, empty. It is opened by views/assets/sources.js. */
export function EmptyPanel() {
  return <dialog id={panel.id} aria-labelledby={panel.title} />;
}

/** A passage is a stranger's text: it is shown as it was read, never as Markdown. */
export function Source({ source: { document, page, headings }, pieces, now, original, words }: ShownSource) {
  const isSame = now.state === "same";
  return (
    <>
      <p class="note" dir="auto">
        {[document, words.source.page(page), ...headings].join(" › ")}
      </p>
      {isSame && <Beside text={now.before} side="before" words={words} />}
      <blockquote class="passage" dir="auto">
        {pieces.map(({ text, isMarked }) => (isMarked ? <mark>{text}</mark> : text))}
      </blockquote>
      {isSame && <Beside text={now.after} side="after" words={words} />}
      {now.state === "changed" && <p class="note">{words.source.changed}</p>}
      {now.state === "gone" && <p class="note">{words.source.gone}</p>}
      {isSame && now.file !== null && (
        <p>
          {/\.pdf$/i.test(now.file) ? (
            <a href={`${original}#page=${page}`} target="_blank" rel="noopener">
              {words.source.open(page)}
            </a>
          ) : (
            <a href={original} download={now.file}>
              {words.source.download}
            </a>
          )}
        </p>
      )}
    </>
  );
}

/** The text before or after the passage: as much of it as gives the passage its sense. */
function Beside({ text, side, words }: { text: string; side: "before" | "after"; words: Words }) {
  if (text === "") return <></>;
  return (
    <blockquote class="beside" dir="auto" aria-label={words.source[side]}>
      {side === "before" ? endOf(text) : beginningOf(text)}
    </blockquote>
  );
}

function beginningOf(text: string): string {
  if (text.length <= besideMaxChars) return text;
  return `${text.slice(0, besideMaxChars).replace(/\s+\S*$/, "")} …`;
}

function endOf(text: string): string {
  return text.length <= besideMaxChars ? text : `… ${text.slice(-besideMaxChars).replace(/^\S*\s+/, "")}`;
}
