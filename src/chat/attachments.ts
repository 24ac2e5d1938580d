// Files that people attach: taken in within bounds, stored, shown to those who may see them, deleted. How a
// format is read is in documents/.

import type { Person } from "../domain/account.ts";
import { Failure } from "../domain/failure.ts";
import { type FileId, fileName, type StoredFile } from "../domain/file.ts";
import { type ConversationId, isTemporary, newId, newTemporaryId, type PersonId } from "../domain/id.ts";
import type { NewFile } from "../store/files.ts";
import type { Store } from "../store/store.ts";

/** See config/bounds. */
export interface AttachmentBounds {
  readonly fileMaxBytes: number;
  /** The most for a person, whatever their own limit is. */
  readonly filesMaxBytes: number;
  readonly messageFilesMax: number;
  readonly unsentMs: number;
}

interface AttachmentsDependencies {
  /** All that keep files. */
  readonly stores: readonly Pick<Store, "files">[];
  readonly storeOf: (id: FileId) => Pick<Store, "files">;
  readonly bounds: AttachmentBounds;
  readonly reader: {
    /** @throws Failure `file_*`, `picture_*` */
    read(bytes: Uint8Array, name: string): Promise<ReadFile>;
  };
}

/** A file's kind, its text, and the bytes that are kept of it. */
type ReadFile = Pick<NewFile, "type" | "mediaType" | "pages" | "picturePages" | "pictures"> & {
  readonly content: Uint8Array;
};

/** What a person's files take, and the most that they may take, in bytes. */
interface FilesUsage {
  readonly usedBytes: number;
  readonly limitBytes: number;
}

/** A file as it was sent. */
export interface GivenFile {
  readonly name: string;
  readonly bytes: Uint8Array;
}

export class Attachments {
  readonly #deps: AttachmentsDependencies;
  /** The last use of a whole file, by person. */
  readonly #inMemory = new Map<PersonId, Promise<unknown>>();

  constructor(deps: AttachmentsDependencies) {
    this.#deps = deps;
  }

  get bounds(): AttachmentBounds {
    return this.#deps.bounds;
  }

  /**
   * Reads a file and stores it for a question that is not sent yet. A file for a temporary conversation is
   * never written to disk.
   * @throws Failure `too_large`, `files_full`, `file_empty`; `file_*`, `picture_*`
   */
  async take(
    person: Pick<Person, "id" | "limits">,
    conversation: ConversationId | null,
    { name: given, bytes }: GivenFile,
  ): Promise<StoredFile> {
    const limitBytes = this.bounds.fileMaxBytes;
    if (bytes.length > limitBytes) throw new Failure("too_large", { limitBytes });
    const name = fileName(given);
    if (bytes.length === 0) throw new Failure("file_empty", { name });
    const { limitBytes: ownerMaxBytes } = await this.needRoom(person, bytes.length);
    const isKept = conversation === null || !isTemporary(conversation);
    const id = isKept ? newId() : newTemporaryId();
    const { content, ...facts } = await this.#deps.reader.read(bytes, name);
    return this.#deps
      .storeOf(id)
      .files.add({ id, owner: person.id, name, ...facts, ownerMaxBytes }, once(content));
  }

  /** A file of this person. @throws Failure `not_found` */
  async of({ id: owner }: Pick<Person, "id">, file: FileId): Promise<StoredFile> {
    const found = await this.#deps.storeOf(file).files.file(file);
    if (found?.owner !== owner) throw new Failure("not_found");
    return found;
  }

  /** Those of some files that are this person's and that no message has, in their order. */
  async unsent({ id: owner }: Pick<Person, "id">, ids: readonly FileId[]): Promise<readonly StoredFile[]> {
    const found = ids.map((id) => this.#deps.storeOf(id).files.unsent(owner, id));
    return (await Promise.all(found)).filter((file) => file !== null);
  }

  /** A file that a conversation has, for its readers. @throws Failure `not_found` */
  async in(conversation: ConversationId, file: FileId): Promise<StoredFile> {
    const { files } = this.#deps.storeOf(file);
    const found = (await files.isIn(conversation, file)) ? await files.file(file) : null;
    if (!found) throw new Failure("not_found");
    return found;
  }

  /** The content of a file, piece by piece. */
  content({ id }: Pick<StoredFile, "id">): AsyncIterable<Uint8Array<ArrayBuffer>> {
    return this.#deps.storeOf(id).files.content(id);
  }

  /**
   * Calls `use` with a file of this person in one piece. Of one person's files, one is in memory at a time.
   * @throws Failure `not_found`; as `use`
   */
  async whole<T>(person: Pick<Person, "id">, id: FileId, use: (file: GivenFile) => Promise<T>): Promise<T> {
    const file = await this.of(person, id);
    const before = this.#inMemory.get(person.id);
    const used = (async () => {
      await before?.catch(() => {});
      return use({ name: file.name, bytes: Buffer.concat(await Array.fromAsync(this.content(file))) });
    })();
    this.#inMemory.set(person.id, used);
    try {
      return await used;
    } finally {
      if (this.#inMemory.get(person.id) === used) this.#inMemory.delete(person.id);
    }
  }

  /**
   * Calls `use` with the files as a question in this conversation can have them: a temporary one gets copies,
   * which are deleted with it, or when `use` fails.
   * @throws Failure `not_found`, `too_many_files`; as `take`, and as `use`
   */
  async lend<T>(
    person: Pick<Person, "id" | "limits">,
    conversation: ConversationId,
    files: readonly FileId[],
    use: (files: readonly FileId[]) => Promise<T>,
  ): Promise<T> {
    const limit = this.bounds.messageFilesMax;
    if (files.length > limit) throw new Failure("too_many_files", { limit });
    if (files.length === 0 || !isTemporary(conversation)) return use(files);
    const copies = new Map<FileId, FileId>();
    try {
      for (const file of files.filter((each) => !isTemporary(each))) {
        const copy = await this.whole(person, file, (given) => this.take(person, conversation, given));
        copies.set(file, copy.id);
      }
      return await use(files.map((file) => copies.get(file) ?? file));
    } catch (error) {
      for (const copy of copies.values()) await this.#deps.storeOf(copy).files.remove(person.id, copy);
      throw error;
    }
  }

  /**
   * Deletes a file that no message has.
   * @throws Failure `not_found`, `file_in_use`
   */
  async remove(person: Pick<Person, "id">, file: FileId): Promise<void> {
    await this.of(person, file);
    if (!(await this.#deps.storeOf(file).files.remove(person.id, file))) throw new Failure("file_in_use");
  }

  /** Deletes files that were attached and never sent. */
  async removeUnsent(now: number): Promise<void> {
    const { stores, bounds } = this.#deps;
    for (const { files } of stores) await files.removeUnsent(now - bounds.unsentMs);
  }

  /** Refuses a file for which there is no room beside the person's others. @throws Failure `files_full` */
  async needRoom(person: Pick<Person, "id" | "limits">, bytes: number): Promise<FilesUsage> {
    const usage = await this.usage(person);
    if (usage.usedBytes + bytes > usage.limitBytes) throw new Failure("files_full", { ...usage, bytes });
    return usage;
  }

  async usage({ id: owner, limits }: Pick<Person, "id" | "limits">): Promise<FilesUsage> {
    const { stores, bounds } = this.#deps;
    const used = await Promise.all(stores.map(({ files }) => files.usedBytes(owner)));
    const usedBytes = used.reduce((sum, each) => sum + each, 0);
    return { usedBytes, limitBytes: Math.min(bounds.filesMaxBytes, limits.filesMaxBytes ?? Infinity) };
  }
}

async function* once(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes;
}
