// Files as the page shows them: those of a question, and those that are attached to the next one.

import type { FileFacts, StoredFile } from "../src/domain/file.ts";
import type { FilePart } from "../src/domain/part.ts";
import { sentenceOf, type Words } from "./words.ts";

interface FileListProps {
  readonly files: readonly FilePart[];
  /** For the reader of a link: the files are fetched below the link's address. */
  readonly isReader: boolean;
  readonly words: Words;
}

/** The files of a question; each can be saved. Nothing where there are none. */
export function FileList({ files, isReader, words }: FileListProps) {
  if (files.length === 0) return <></>;
  return (
    <ul class="files" aria-label={words.attachments.list}>
      {files.map((part) => (
        <li>
          <FileItem part={part} isReader={isReader} words={words} />
        </li>
      ))}
    </ul>
  );
}

function FileItem({ part, isReader, words }: { part: FilePart; isReader: boolean; words: Words }) {
  const { file, name, type } = part;
  if (file === null)
    return (
      <span class="file">
        <Name name={name} />
        <span class="facts">{words.attachments.missing}</span>
      </span>
    );
  // relative to the page: a frame goes to all readers of a conversation, whatever link they follow
  const address = isReader ? `?file=${file}` : `/files/${file}`;
  return (
    <a class="file" href={address} download={name}>
      {type === "picture" && <img src={address} alt="" loading="lazy" decoding="async" />}
      <Name name={name} />
      <span class="facts">
        <Facts of={part} words={words} />
      </span>
      <Notes of={part} words={words} />
      {part.isSearched && <span class="note">{words.attachments.searched}</span>}
    </a>
  );
}

const Name = ({ name }: { name: string }) => (
  <span class="name" dir="auto" title={name}>
    {name}
  </span>
);

function Facts({ of, words }: { of: FileFacts; words: Words }) {
  return <>{words.attachments.facts(of).join(" · ")}</>;
}

/** What somebody should know of a file before they rely on it: in words, a sentence each. */
export function notesOf(
  { type, picturePages = [] }: Pick<FileFacts, "type" | "picturePages">,
  { isUnseen, words: { attachments } }: { isUnseen: boolean; words: Words },
): readonly string[] {
  const [first] = picturePages;
  const isOne = picturePages.length === 1 && first?.[0] === first?.[1];
  const pages = picturePages.map(([from, to]) => (from === to ? `${from}` : `${from}–${to}`)).join(", ");
  return [
    ...(first === undefined ? [] : [attachments.pictures(pages, isOne)]),
    ...(type === "picture" && isUnseen ? [attachments.unseen] : []),
  ];
}

function Notes({ of, isUnseen = false, words }: { of: FileFacts; isUnseen?: boolean; words: Words }) {
  return (
    <>
      {notesOf(of, { isUnseen, words }).map((note) => (
        <span class="note">{note}</span>
      ))}
    </>
  );
}

/** What the composer says of files that may be attached. */
export interface AttachBounds {
  /** Largest file, in bytes. */
  readonly fileMaxBytes: number;
  /** Most files of a question. */
  readonly messageFilesMax: number;
  /** What the person's files take, and the most that they may take, in bytes. */
  readonly usage: { readonly usedBytes: number; readonly limitBytes: number };
  /** The model that would answer says that it does not see pictures. */
  readonly isUnseen: boolean;
}

interface AttachProps {
  readonly bounds: AttachBounds;
  /** Files that are stored already: of a form that was refused, in a browser without scripts. */
  readonly attached: readonly StoredFile[];
  readonly isDisabled: boolean;
  readonly words: Words;
}

/**
 * The attached files and the control that adds some. With scripts each file is uploaded at once and gets a
 * copy of the template (views/assets/attached.js). Without scripts the form itself brings the files.
 */
export function Attach({ bounds, attached, isDisabled, words }: AttachProps) {
  const { fileMaxBytes: limitBytes, messageFilesMax: limit, usage } = bounds;
  const { attachments: labels } = words;
  const lengths = Object.entries(labels.lengths).map(([type, length]) => [`data-${type}`, length("%")]);
  return (
    <>
      <ul id="attached" class="files" aria-label={labels.list} aria-live="polite">
        {attached.map((file) => (
          <li>
            <label class="file">
              <span class="name">
                <input type="checkbox" name="file" value={file.id} checked /> {file.name}
              </span>
              <span class="facts">
                <Facts of={file} words={words} />
              </span>
              <Notes of={file} isUnseen={bounds.isUnseen} words={words} />
            </label>
          </li>
        ))}
      </ul>
      <label
        class="attach"
        title={`${labels.bounds(limit, limitBytes)} ${labels.room(usage.usedBytes, usage.limitBytes)}`}
      >
        <svg viewBox="0 0 24 24" aria-hidden="true">
          <path d="m20 11-9 9a5.7 5.7 0 0 1-8-8l9-9a3.8 3.8 0 0 1 5.4 5.4l-9 9a1.9 1.9 0 0 1-2.7-2.7l8.3-8.3" />
        </svg>
        <input
          type="file"
          id="attach"
          name="attach"
          multiple
          aria-label={labels.attach}
          disabled={isDisabled}
          data-max={limit}
          data-max-bytes={limitBytes}
          data-lost={labels.lost}
          data-too-many={sentenceOf({ code: "too_many_files", facts: { limit } }, words)}
          data-too-large={labels.tooLarge(limitBytes)}
        />
      </label>
      {bounds.isUnseen && <p class="unseen-here">{labels.unseen}.</p>}
      <template id="uploading">
        <p>{labels.wait}</p>
      </template>
      <template id="attaching">
        <li>
          <span class="file">
            <span class="name" dir="auto" />
            <span class="facts" data-reading={labels.reading} {...Object.fromEntries(lengths)} />
            <progress max={1} value={0} aria-label={labels.uploading} />
          </span>
          <button type="button" aria-label={labels.remove("%")}>
            ×
          </button>
        </li>
      </template>
    </>
  );
}
