// What people may do with collections of documents: who sees one, who may change it, and how a document is
// added. How a document is read is in documents/background.

import { setImmediate as nextTurn } from "node:timers/promises";
import type { Person } from "../domain/account.ts";
import {
  type Collection,
  collectionName,
  type ListedCollection,
  type Passage,
  type PassageHit,
  type StoredDocument,
} from "../domain/document.ts";
import { Failure } from "../domain/failure.ts";
import { fileName } from "../domain/file.ts";
import { type CollectionId, type DocumentId, isId, newId } from "../domain/id.ts";
import type { DocumentRange } from "../store/documents.ts";
import type { Store } from "../store/store.ts";
import { hashOf } from "./hash.ts";
import type { Meaning } from "./meaning.ts";
import { mayHaveText } from "./reading.ts";
import { searchPassages } from "./search.ts";
import { sniff } from "./sniff.ts";

/** See config/bounds. */
export interface LibraryBounds {
  readonly documentMaxBytes: number;
  readonly collectionDocumentsMax: number;
}

interface LibraryDependencies {
  readonly store: Pick<Store, "collections" | "documents" | "files">;
  readonly meaning: Meaning | null;
  readonly bounds: LibraryBounds;
  /** What a person's files take, and the most that they may take, in bytes. */
  usage(person: Person): Promise<{ readonly usedBytes: number; readonly limitBytes: number }>;
  /** Called when a document waits to be read. */
  added(): void;
}

/** A document as it was sent. */
interface GivenDocument {
  readonly name: string;
  readonly bytes: Uint8Array;
}

/** Collections that one person may have. */
const collectionsMax = 100;
/** Owner of the files in the house's collections. */
const house = "";
const pieceBytes = 1 << 20;

export class Library {
  readonly #deps: LibraryDependencies;

  constructor(deps: LibraryDependencies) {
    this.#deps = deps;
  }

  get bounds(): LibraryBounds {
    return this.#deps.bounds;
  }

  /** The collections that a person may see and search, by name: the house's and their own. */
  reachable({ id }: Pick<Person, "id">): Promise<readonly ListedCollection[]> {
    return this.#deps.store.collections.reachable(id);
  }

  /** The collection that a persona means by this name when it answers this person. */
  async meant({ id }: Pick<Person, "id">, name: string): Promise<Collection | null> {
    return (await this.#deps.store.collections.named(id, [name]))[0] ?? null;
  }

  /** How many of a person's conversations have chosen each collection; those without are left out. */
  chosenBy({ id }: Pick<Person, "id">): Promise<ReadonlyMap<CollectionId, number>> {
    return this.#deps.store.collections.chosenBy(id);
  }

  /** A collection within a person's reach. @throws Failure `not_found` */
  async collection(person: Pick<Person, "id">, id: CollectionId): Promise<Collection> {
    const found = isId(id) ? await this.#deps.store.collections.collection(id) : null;
    if (!found || (found.owner !== null && found.owner !== person.id)) throw new Failure("not_found");
    return found;
  }

  /** True if the person may add to a collection, and delete it. One that is read from a folder never is. */
  mayChange(person: Pick<Person, "id" | "role">, { owner, folder }: Collection): boolean {
    return folder === null && (owner === null ? person.role === "admin" : owner === person.id);
  }

  /**
   * Makes a collection of the person, or of the house.
   * @throws Failure `bad_name`, `name_taken`, `not_admin`, `too_many_collections`
   */
  async add(
    person: Person,
    { name: given, isHouse }: { name: string; isHouse: boolean },
  ): Promise<Collection> {
    const name = collectionName(given);
    if (name === null) throw new Failure("bad_name");
    if (isHouse && person.role !== "admin") throw new Failure("not_admin");
    const owner = isHouse ? null : person.id;
    const own = (await this.reachable(person)).filter((each) => each.owner === owner);
    if (own.length >= collectionsMax) throw new Failure("too_many_collections", { limit: collectionsMax });
    return this.#deps.store.collections.add(owner, name, null);
  }

  /** Deletes a collection with its documents. @throws Failure as `changeable` */
  async remove(person: Person, id: CollectionId): Promise<void> {
    await this.changeable(person, id);
    await this.#deps.store.collections.remove(id);
  }

  /** A collection that a person may change. @throws Failure `not_found`, `not_admin`, `collection_read_only` */
  async changeable(person: Person, id: CollectionId): Promise<Collection> {
    const found = await this.collection(person, id);
    if (found.folder !== null) throw new Failure("collection_read_only", { name: found.name });
    if (!this.mayChange(person, found)) throw new Failure("not_admin");
    return found;
  }

  /** By path; all, or a part of them. @throws Failure `not_found` */
  async documents(
    person: Pick<Person, "id">,
    id: CollectionId,
    range?: DocumentRange,
  ): Promise<readonly StoredDocument[]> {
    await this.collection(person, id);
    return this.#deps.store.documents.of(id, range);
  }

  /** @throws Failure `not_found` */
  async document(
    person: Pick<Person, "id">,
    id: DocumentId,
  ): Promise<{ readonly collection: Collection; readonly document: StoredDocument }> {
    const document = isId(id) ? await this.#deps.store.documents.document(id) : null;
    if (!document) throw new Failure("not_found");
    return { document, collection: await this.collection(person, document.collection) };
  }

  /** Passages of a document in its order, from the passage at `from`. @throws Failure `not_found` */
  async passages(
    person: Pick<Person, "id">,
    id: DocumentId,
    { from, limit }: { readonly from: number; readonly limit: number },
  ): Promise<readonly Passage[]> {
    await this.document(person, id);
    return this.#deps.store.documents.passages(id, from, limit);
  }

  /** How far the passages of all collections are found by meaning; null where no server embeds. */
  async meaningProgress(): ReturnType<Meaning["progress"]> {
    return (await this.#deps.meaning?.progress()) ?? null;
  }

  /** The passages of a collection that match best, the best first. @throws Failure `not_found` */
  async search(
    person: Pick<Person, "id">,
    id: CollectionId,
    { question, limit }: { readonly question: string; readonly limit: number },
  ): Promise<readonly PassageHit[]> {
    await this.collection(person, id);
    const { store, meaning } = this.#deps;
    return searchPassages(store.collections, question, { collections: [id], limit }, meaning);
  }

  /**
   * Stores a document, which is then read behind this. One of the same name is replaced once it is read.
   * @throws Failure as `changeable`; `file_empty`, `too_large`, `file_unsupported`, `collection_full`,
   * `files_full`
   */
  async put(person: Person, id: CollectionId, { name, bytes }: GivenDocument): Promise<StoredDocument> {
    const { store, bounds, added } = this.#deps;
    const collection = await this.changeable(person, id);
    const path = fileName(name);
    const limitBytes = bounds.documentMaxBytes;
    if (bytes.length === 0) throw new Failure("file_empty", { name: path });
    if (bytes.length > limitBytes) throw new Failure("too_large", { limitBytes });
    if (!mayHaveText(bytes, path)) throw new Failure("file_unsupported", { name: path });
    const hash = await hashOf(pieces(bytes));
    const others = await store.documents.of(id);
    const known = others.find((each) => each.path === path);
    if (known?.hash === hash && known.state !== "refused") return known;
    const limitDocuments = bounds.collectionDocumentsMax;
    if (!known && others.length >= limitDocuments) throw new Failure("collection_full", { limitDocuments });
    const type = sniff(bytes, path);
    const head = { id: newId(), name: path, type, mediaType: "application/octet-stream", pages: [] };
    const file = await store.files.add(
      { ...head, ...(await this.#placeFor(person, collection, bytes.length)) },
      pieces(bytes),
    );
    try {
      const document = await store.documents.begin(id, { path, hash, bytes: bytes.length, file: file.id });
      added();
      return (await store.documents.document(document)) as StoredDocument;
    } catch (error) {
      await store.files.remove(file.owner, file.id);
      throw error;
    }
  }

  /** Removes a document from a collection. @throws Failure as `changeable` */
  async forget(person: Person, id: CollectionId, document: DocumentId): Promise<void> {
    await this.changeable(person, id);
    const found = isId(document) ? await this.#deps.store.documents.document(document) : null;
    if (found?.collection !== id) throw new Failure("not_found");
    await this.#deps.store.documents.forget(id, found.path);
  }

  /** Whose file a new document is, and the most that the owner's files may take. */
  async #placeFor(person: Person, { owner }: Collection, bytes: number) {
    if (owner === null) return { owner: house, ownerMaxBytes: Number.MAX_SAFE_INTEGER };
    const { usedBytes, limitBytes } = await this.#deps.usage(person);
    if (usedBytes + bytes > limitBytes) throw new Failure("files_full", { usedBytes, limitBytes, bytes });
    return { owner, ownerMaxBytes: limitBytes };
  }
}

async function* pieces(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += pieceBytes) {
    yield bytes.subarray(at, at + pieceBytes);
    await nextTurn();
  }
}
