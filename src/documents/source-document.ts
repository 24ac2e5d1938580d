// The document of a passage that an answer cites, as it is now: whether it is still the same, what stands
// around the passage, and its original. For those who may search its collection.

import { createReadStream } from "node:fs";
import { lstat } from "node:fs/promises";
import { join } from "node:path";
import type { DocumentNow, StoredDocument } from "../domain/document.ts";
import type { FileId } from "../domain/file.ts";
import type { PersonId } from "../domain/id.ts";
import type { SourcePart } from "../domain/part.ts";
import type { Store } from "../store/store.ts";
import { hashOf } from "./hash.ts";

/** A document's file. */
interface Original {
  readonly name: string;
  readonly bytes: number;
  readonly content: AsyncIterable<Uint8Array>;
}

type FilePlace = { readonly bytes: number } & (
  | { readonly id: FileId; readonly path: null }
  | { readonly id: null; readonly path: string }
);

type Stores = Pick<Store, "collections" | "documents" | "files">;

export class SourceDocuments {
  readonly #store: Stores;

  constructor(store: Stores) {
    this.#store = store;
  }

  async now(person: PersonId, source: SourcePart): Promise<DocumentNow> {
    if (!source.place) return { state: "unknown" };
    const document = await this.#document(person, source);
    if (document === null) return { state: "gone" };
    const around = await this.#store.documents.around(document.id, source.page, source.place.start);
    if (document.hash !== source.place.hash || around?.passage.text !== source.text)
      return { state: "changed" };
    const [before, after] = [around.before?.text ?? "", around.after?.text ?? ""];
    return { state: "same", before, after, file: (await this.#fileOf(document)) && nameOf(document) };
  }

  /** The file of a source's document, if it is the one that was read; else null. */
  async original(person: PersonId, source: SourcePart): Promise<Original | null> {
    const document = await this.#document(person, source);
    if (document === null || document.hash !== source.place?.hash) return null;
    const file = await this.#fileOf(document);
    if (
      file === null ||
      (file.path !== null && (await hashOf(createReadStream(file.path))) !== document.hash)
    )
      return null;
    const content = file.path === null ? this.#store.files.content(file.id) : createReadStream(file.path);
    return { name: nameOf(document), bytes: file.bytes, content };
  }

  /** Where a document's file is: stored, or in a folder, if it looks as it did when it was read. */
  async #fileOf({ file: id, collection, path, bytes }: StoredDocument): Promise<FilePlace | null> {
    if (id !== null) {
      const stored = await this.#store.files.file(id);
      return stored && { id, path: null, bytes: stored.bytes };
    }
    const folder = (await this.#store.collections.collection(collection))?.folder;
    if (!folder) return null;
    const found = await lstat(join(folder, path)).catch(() => null);
    if (!found?.isFile() || (bytes > 0 && found.size !== bytes)) return null;
    return { id: null, path: join(folder, path), bytes: found.size };
  }

  /** The document that has a source's path now, if this person may search it. */
  async #document(person: PersonId, { place }: SourcePart): Promise<StoredDocument | null> {
    if (!place) return null;
    const reachable = await this.#store.collections.reachable(person);
    if (!reachable.some(({ id }) => id === place.collection)) return null;
    return this.#store.documents.at(place.collection, place.path);
  }
}

const nameOf = ({ path }: StoredDocument): string => path.slice(path.lastIndexOf("/") + 1);
