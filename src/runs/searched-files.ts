// Which attached files are too long to be read whole. Their passages are searched instead, for the question
// that brings them and for all that follow it.

import type { Message } from "../domain/conversation.ts";
import type { Passage } from "../domain/document.ts";
import type { FileId } from "../domain/file.ts";
import type { CollectionId, DocumentId, MessageId } from "../domain/id.ts";
import { type FilePart, filesIn } from "../domain/part.ts";
import type { Documents } from "../store/documents.ts";
import type { FoundSource } from "../store/sources.ts";
import type { Store } from "../store/store.ts";
import type { Upstream } from "../upstream/upstream.ts";
import { textOfFile } from "./attached.ts";
import { type Counts, surelyFit } from "./context.ts";
import type { LiveRun } from "./live-run.ts";

/** Share of the context that the files of all questions since the last answer may take together. */
const filesShare = 0.4;
/** A text with more bytes per token of its room than this is too long without being counted. */
const tokenMaxBytes = 8;

/** A file that is searched, with the collection of its passages. */
export interface SearchedFile {
  readonly name: string;
  readonly collection: CollectionId;
  readonly document: DocumentId;
  /** The last question brings it. */
  readonly isNew: boolean;
}

/** Makes a file searchable; null for one that has no text. */
export type IndexFile = (
  store: Store,
  message: MessageId,
  part: FilePart,
) => Promise<Pick<SearchedFile, "collection" | "document"> | null>;

export interface SearchedFilesDependencies {
  readonly indexFile: IndexFile;
  readonly upstream: Pick<Upstream, "facts" | "count">;
  readonly counts: Counts;
}

/**
 * The files on the path to an answer that are searched. Decides it for those of the last question, and stores
 * the decision, so that later prompts begin with the same text. Costs nothing where no question has files.
 */
export async function searchedFiles(
  live: LiveRun,
  model: string | null,
  deps: SearchedFilesDependencies,
): Promise<readonly SearchedFile[]> {
  const path = await live.history();
  if (!path.some(({ parts }) => filesIn(parts).length > 0)) return [];
  const answered = path.findLastIndex(({ role, text }) => role === "assistant" && text !== "");
  await decide(live, path.slice(answered + 1), model, deps);
  const searched: SearchedFile[] = [];
  for (const [i, { id, parts }] of (await live.history()).entries())
    for (const part of filesIn(parts).filter(({ isSearched }) => isSearched)) {
      const content = await deps.indexFile(live.store, id, part);
      if (content) searched.push({ name: part.name, ...content, isNew: i > answered });
    }
  return searched;
}

/** Questions about a file as a whole, in German and English. */
const aboutWhole =
  /(?<!\p{L})(?:datei|dokument|file|document|pdf|zusammenfass|fass(?:e|t|en)? .*zusammen|summar|überblick|overview)/iu;

/**
 * Where no passage answers a question: the beginnings of the files that it brings, or of all of them if it
 * speaks of a file or of the whole.
 */
export async function firstPassages(
  files: readonly SearchedFile[],
  question: string,
  limit: number,
  documents: Pick<Documents, "passages">,
): Promise<readonly FoundSource[]> {
  const isAbout = ({ name, isNew }: SearchedFile) =>
    isNew || aboutWhole.test(question) || question.toLowerCase().includes(name.toLowerCase());
  const meant = files.filter(isAbout).slice(0, limit);
  const first = meant.map(async ({ name, document }) =>
    (await documents.passages(document, 0, Math.floor(limit / meant.length))).map((passage) =>
      sourceOf(document, name, passage),
    ),
  );
  return (await Promise.all(first)).flat();
}

export const sourceOf = (id: DocumentId, document: string, passage: Passage): FoundSource => {
  const { page, start, end, headings, text } = passage;
  return { passage: `${id}.${page}.${start}-${end}`, document, page, headings, text };
};

/** Marks the longest files of some messages until the others fit. */
async function decide(
  live: LiveRun,
  messages: readonly Message[],
  model: string | null,
  deps: SearchedFilesDependencies,
): Promise<void> {
  const { contextTokens } = deps.upstream.facts(model);
  const texts: { message: MessageId; file: FileId; content: string }[] = [];
  for (const message of contextTokens === null ? [] : messages)
    for (const part of filesIn(message.parts))
      if (part.file !== null && part.pages > 0 && !part.isSearched) {
        const content = await textOfFile(message, part, live.store.files);
        texts.push({ message: message.id, file: part.file, content });
      }
  const roomTokens = Math.floor((contextTokens ?? 0) * filesShare);
  if (texts.length === 0 || surelyFit(texts.map(questionOf), roomTokens)) return;
  const sizes: { message: MessageId; file: FileId; tokens: number }[] = [];
  for (const { content, ...where } of texts)
    sizes.push({ ...where, tokens: await tokensOf(content, roomTokens, model, live, deps) });
  sizes.sort((a, b) => a.tokens - b.tokens);
  const tooLong: typeof sizes = [];
  while (sizes.reduce((sum, { tokens }) => sum + tokens, 0) > roomTokens)
    tooLong.push(sizes.pop() as (typeof sizes)[number]);
  for (const [message, files] of Map.groupBy(tooLong, (each) => each.message)) {
    const ids = files.map(({ file }) => file);
    const marked = await live.store.files.passages.markSearched(message, ids);
    if (marked) live.marked(marked);
  }
}

const questionOf = ({ content }: { content: string }) => ({ role: "user" as const, content });

/** Tokens of a text; infinite where it surely does not fit, and its bytes where they can't be counted. */
async function tokensOf(
  content: string,
  roomTokens: number,
  model: string | null,
  live: LiveRun,
  { upstream, counts }: SearchedFilesDependencies,
): Promise<number> {
  const bytes = Buffer.byteLength(content);
  if (bytes > roomTokens * tokenMaxBytes) return Number.POSITIVE_INFINITY;
  const messages = [questionOf({ content })];
  const key = JSON.stringify([upstream.facts(model).model, messages]);
  return (await counts.of(key, () => upstream.count({ messages, model }, live.abort.signal))) ?? bytes;
}
