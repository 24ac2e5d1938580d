// Brings a collection to the state of its folder: new and changed files are read, unchanged ones skipped,
// vanished ones forgotten.

import { createReadStream } from "node:fs";
import { readdir, stat } from "node:fs/promises";
import { join } from "node:path";
import type { IndexedPassage, PassageTerms, StoredDocument } from "../domain/document.ts";
import { asFailure, Failure, type FailureReport } from "../domain/failure.ts";
import type { CollectionId, DocumentId } from "../domain/id.ts";
import type { Documents } from "../store/documents.ts";
import { contextOf, type TitledPassage } from "./embedded-text.ts";
import { type ExtractBounds, type Extracted, Extractor } from "./extractor.ts";
import { hashOf } from "./hash.ts";
import { passagesOf } from "./passages.ts";
import { hasHeadings, headOf, mayHaveText, readDocument } from "./reading.ts";
import { rowPassages } from "./rows.ts";
import { passageTerms } from "./words.ts";

export interface IndexBounds extends ExtractBounds {
  readonly documentMaxBytes: number;
  readonly collectionDocumentsMax: number;
}

/** What became of the files of a folder. */
interface IndexCounts {
  readonly stored: number;
  readonly unchanged: number;
  readonly forgotten: number;
  /** Files of a kind that is not read. */
  readonly skipped: number;
  /** Files that could not be read. */
  readonly failed: number;
  /** Files that are perhaps still being written: nothing was done about them. */
  readonly unsettled: number;
}

type End = Exclude<keyof IndexCounts, "forgotten">;

/** What one look at a folder leaves for the next: files that look the same are not opened again. */
export interface FolderMemory {
  /** A file that changed within this time is perhaps still being written, in ms. */
  readonly settleMs: number;
  /** By path: how the file looked, and what became of it. */
  readonly seen: Map<string, { readonly stamp: string; readonly end: End }>;
}

interface IndexOptions {
  readonly documents: Documents;
  readonly bounds: IndexBounds;
  /** Default: one of its own. */
  readonly extractor?: Extractor;
  /** Absent: each file is opened and compared. */
  readonly memory?: FolderMemory;
  /** Ends the work; the promise is then rejected with the signal's reason. */
  readonly signal?: AbortSignal;
  /** Called for each file that could not be read, with its path in the folder. */
  failed(path: string, failure: FailureReport): void;
  /** Called for each document that has pages without text, with their numbers: they can't be found. */
  lacksText(path: string, pages: readonly number[]): void;
}

/**
 * Reads `folder` with the folders in it, but for names that begin with a dot and links. A file that can't be
 * read is a refused document afterwards.
 * @throws Failure `collection_full` before anything is changed; errors of the system when the folder can't be
 * read
 */
export async function indexFolder(
  id: CollectionId,
  folder: string,
  options: IndexOptions,
): Promise<IndexCounts> {
  const { documents, bounds, signal } = options;
  const paths = await filesOf(folder, bounds.collectionDocumentsMax);
  await documents.abandon(id);
  const known = new Map((await documents.of(id)).map((document) => [document.path, document]));
  const counts = { stored: 0, unchanged: 0, skipped: 0, failed: 0, unsettled: 0 };
  const looks: [path: string, look: Look][] = [];
  for (const path of paths) {
    signal?.throwIfAborted();
    looks.push([path, await lookAt(id, folder, path, known.get(path), options)]);
  }
  const ends = new Map<string, End>();
  const extractor = options.extractor ?? new Extractor(bounds);
  for (const [path, look] of looks) {
    signal?.throwIfAborted();
    const end = "begun" in look ? await readInto(look.begun, folder, path, extractor, options) : look.end;
    if ("failure" in look) options.failed(path, look.failure);
    if (look.stamp !== undefined) options.memory?.seen.set(path, { stamp: look.stamp, end });
    ends.set(path, end);
    counts[end]++;
  }
  for (const path of new Set([...known.keys(), ...paths])) {
    if (!ends.has(path)) options.memory?.seen.delete(path);
    if (["skipped", undefined].includes(ends.get(path))) await documents.forget(id, path);
  }
  const isKept = (path: string) => ["stored", "unchanged", "unsettled"].includes(ends.get(path) ?? "");
  const lost = [...known.values()].filter(({ path, state }) => state === "searchable" && !isKept(path));
  return { ...counts, forgotten: lost.length };
}

/** What a first look at a file says: a document that is to be read, or that nothing is to be done. */
type Look = { readonly stamp?: string } & (
  | { readonly begun: DocumentId }
  | { readonly end: Exclude<End, "stored">; readonly failure?: FailureReport }
);

async function lookAt(
  id: CollectionId,
  folder: string,
  path: string,
  known: StoredDocument | undefined,
  options: IndexOptions,
): Promise<Look> {
  const file = join(folder, path);
  let stamp: string | undefined;
  const begin = (hash: string) =>
    options.documents.begin(id, { path, hash, bytes: Bun.file(file).size, file: null });
  try {
    if (options.memory) {
      const before = options.memory.seen.get(path);
      const look = await stampOf(file, before?.stamp, options.memory.settleMs);
      if (!look.isSettled) return { stamp: look.stamp, end: "unsettled" };
      stamp = look.stamp;
      const isThere = before?.end === "skipped" ? !known : known !== undefined;
      if (before?.stamp === stamp && before.end !== "unsettled" && isThere)
        return { stamp, end: before.end === "stored" ? "unchanged" : before.end };
    }
    if (!mayHaveText(await headOf(file), path)) return { ...withStamp(stamp), end: "skipped" };
    refuseLarge(file, options.bounds.documentMaxBytes);
    const hash = await hashOf(createReadStream(file));
    if (known?.state === "searchable" && known.hash === hash)
      return { ...withStamp(stamp), end: "unchanged" };
    return { ...withStamp(stamp), begun: await begin(hash) };
  } catch (error) {
    const failure = failureOf(error);
    await options.documents.refuse(await begin(""), failure);
    return { ...withStamp(stamp), end: "failed", failure };
  }
}

const withStamp = (stamp: string | undefined) => (stamp === undefined ? {} : { stamp });

/**
 * How a file looks from outside, and whether it is complete: it has not changed for `settleMs`, or since the
 * look before, where its time lies in the future because another machine's clock is ahead.
 */
async function stampOf(file: string, before: string | undefined, settleMs: number) {
  const { size, mtimeMs, ctimeMs, ino } = await stat(file);
  const stamp = [size, mtimeMs, ctimeMs, ino].join(" ");
  const ageMs = Date.now() - Math.max(mtimeMs, ctimeMs);
  return { stamp, isSettled: ageMs >= settleMs || (ageMs < 0 && before === stamp) };
}

async function readInto(
  document: DocumentId,
  folder: string,
  path: string,
  extractor: Extractor,
  { documents, bounds, signal, failed, lacksText }: IndexOptions,
): Promise<End> {
  try {
    const read = await readDocument(join(folder, path), extractor, bounds.extractMaxChars, signal);
    if (read === null) return "skipped";
    const { title, pages, picturePages } = read;
    const facts = { title, pages: pages.length, picturePages };
    await documents.fill(document, facts, indexedPassages(path, read, { signal }));
    if (picturePages.length > 0) lacksText(path, picturePages);
    return "stored";
  } catch (error) {
    signal?.throwIfAborted();
    const failure = failureOf(error);
    await documents.refuse(document, failure);
    failed(path, failure);
    return "failed";
  }
}

/** Paths of the files in a folder and those below it, with slashes, in alphabetical order. */
async function filesOf(folder: string, limitDocuments: number): Promise<readonly string[]> {
  const found: string[] = [];
  const open = [""];
  for (let below = open.pop(); below !== undefined; below = open.pop()) {
    for (const entry of await readdir(join(folder, below), { withFileTypes: true })) {
      if (entry.name.startsWith(".")) continue;
      const path = below === "" ? entry.name : `${below}/${entry.name}`;
      if (entry.isDirectory()) open.push(path);
      else if (entry.isFile()) found.push(path);
      if (found.length > limitDocuments) throw new Failure("collection_full", { limitDocuments });
    }
  }
  return found.sort();
}

function refuseLarge(file: string, limitBytes: number): void {
  if (Bun.file(file).size > limitBytes) throw new Failure("too_large", { limitBytes });
}

/** What to say of an error that concerns one file alone. @throws any other error */
function failureOf(error: unknown): FailureReport {
  const { code } = asFailure(error);
  const ofSystem = /^E(ACCES|PERM|NOENT|IO|ISDIR|BUSY)$/.test(String((error as { code?: unknown }).code));
  if (ofSystem) return { code: "file_unreadable", facts: {} };
  if (!code.startsWith("file_") && code !== "too_large") throw error;
  return asFailure(error).report;
}

/**
 * The passages of a document with what they are found by. Throws the signal's reason once it is aborted.
 * `areRowsTogether`: a passage of a table has several rows; else it has one.
 */
export function* indexedPassages(
  path: string,
  { type, title, pages }: Pick<Extracted, "type" | "title" | "pages">,
  { signal, areRowsTogether = false }: { signal?: AbortSignal | undefined; areRowsTogether?: boolean } = {},
): Generator<IndexedPassage> {
  const passages =
    type === "csv" ? rowPassages(pages, areRowsTogether) : passagesOf(pages, hasHeadings(type));
  for (const passage of passages) {
    signal?.throwIfAborted();
    yield { ...passage, ...termsOf({ ...passage, path, title }) };
  }
}

/** What a passage is found by: its words, and those of what stands above it. */
export const termsOf = (passage: TitledPassage): PassageTerms =>
  passageTerms(contextOf(passage).join("\n"), passage.text);
