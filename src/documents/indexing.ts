// Brings a collection to the state of its folder: new and changed files are read, unchanged ones skipped,
// vanished ones forgotten.

import { createReadStream } from "node:fs";
import { readdir } from "node:fs/promises";
import { basename, join } from "node:path";
import type { IndexedPassage } from "../domain/document.ts";
import { asFailure, Failure, type FailureReport } from "../domain/failure.ts";
import type { CollectionId } from "../domain/id.ts";
import type { Collections } from "../store/collections.ts";
import { type ExtractBounds, type Extracted, Extractor } from "./extractor.ts";
import { passagesOf } from "./passages.ts";
import { hasHeadings, readDocument } from "./reading.ts";
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
}

interface IndexOptions {
  readonly collections: Collections;
  readonly bounds: IndexBounds;
  /** Called for each file that could not be read, with its path in the folder. */
  failed(path: string, failure: FailureReport): void;
  /** Called for each document that has pages without text, with their numbers: they can't be found. */
  lacksText(path: string, pages: readonly number[]): void;
}

/**
 * Reads `folder` with the folders in it, but for names that begin with a dot and links. A file that can't be
 * read is not in the collection afterwards.
 * @throws Failure `collection_full` before anything is changed; errors of the system when the folder can't be
 * read
 */
export async function indexFolder(
  id: CollectionId,
  folder: string,
  { collections, bounds, failed, lacksText }: IndexOptions,
): Promise<IndexCounts> {
  const extractor = new Extractor(bounds);
  const counts = { stored: 0, unchanged: 0, forgotten: 0, skipped: 0, failed: 0 };
  const known = new Map((await collections.documents(id)).map(({ path, hash }) => [path, hash]));
  for (const path of await filesOf(folder, bounds.collectionDocumentsMax)) {
    const file = join(folder, path);
    try {
      refuseLarge(file, bounds.documentMaxBytes);
      const hash = await hashOf(file);
      const isKnown = known.get(path) === hash;
      const document = isKnown ? null : await readDocument(file, extractor, bounds.extractMaxChars);
      if (isKnown || document) known.delete(path);
      if (document) await collections.put(id, { path, hash, title: document.title }, indexed(path, document));
      if (document && document.picturePages.length > 0) lacksText(path, document.picturePages);
      counts[isKnown ? "unchanged" : document ? "stored" : "skipped"]++;
    } catch (error) {
      if (!isOfFile(error)) throw error;
      counts.failed++;
      failed(path, error instanceof Failure ? error.report : { code: "file_unreadable", facts: {} });
    }
  }
  for (const path of known.keys()) await collections.forget(id, path);
  return { ...counts, forgotten: known.size };
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

async function hashOf(file: string): Promise<string> {
  const hasher = new Bun.CryptoHasher("sha256");
  for await (const bytes of createReadStream(file)) hasher.update(bytes as Buffer);
  return hasher.digest("hex");
}

/** True for an error that concerns one file alone. */
const isOfFile = (error: unknown): boolean =>
  asFailure(error).code.startsWith("file_") ||
  asFailure(error).code === "too_large" ||
  /^E(ACCES|PERM|NOENT|IO|ISDIR|BUSY)$/.test(String((error as { code?: unknown }).code));

function* indexed(path: string, { type, title, pages }: Extracted): Generator<IndexedPassage> {
  const name = title ?? basename(path).replace(/\.\w+$/, "");
  for (const passage of passagesOf(pages, hasHeadings(type))) {
    // a passage that begins with its heading has it in its own text
    const above = passage.headings.filter((heading) => !passage.text.slice(0, 400).includes(heading));
    yield { ...passage, ...passageTerms([name, ...above].join("\n"), passage.text) };
  }
}
