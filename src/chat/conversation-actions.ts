// What people can do with whole conversations: rename, pin, delete, restore, import. Not for temporary
// ones, which are in no list. Publishes each change to the list and to the conversation's own pages.

import type { Bus } from "../bus/bus.ts";
import { listTopic } from "../domain/event.ts";
import { Failure } from "../domain/failure.ts";
import type { ConversationId, PersonId } from "../domain/id.ts";
import type { ConversationHeader, FileRecord, ImportPart, Unread } from "../domain/record.ts";
import type { ConversationImport, Store } from "../store/store.ts";
import type { Attachments } from "./attachments.ts";

/** Longest name of a conversation, in UTF-16 units. */
const titleMaxChars = 200;

interface ImportResult extends Unread {
  readonly added: number;
  readonly known: number;
}

interface ActionsDependencies {
  readonly store: Store;
  readonly bus: Bus;
  readonly attachments: Pick<Attachments, "take">;
}

export class ConversationActions {
  readonly #store: Store;
  readonly #bus: Bus;
  readonly #attachments: Pick<Attachments, "take">;

  constructor({ store, bus, attachments }: ActionsDependencies) {
    this.#attachments = attachments;
    this.#store = store;
    this.#bus = bus;
  }

  /**
   * Sets the title; spaces around it, and what is beyond 200 characters, are dropped.
   * @throws Failure `not_found`, `message_empty`
   */
  async rename(owner: PersonId, conversation: ConversationId, title: string): Promise<void> {
    const name = title.trim().slice(0, titleMaxChars).toWellFormed();
    if (name === "") throw new Failure("message_empty");
    await this.#store.rename(conversation, name);
    this.#tell(owner, conversation);
  }

  /** @throws Failure `not_found` */
  async pin(owner: PersonId, conversation: ConversationId, pinned: boolean): Promise<void> {
    await this.#store.pin(conversation, pinned);
    this.#tell(owner, conversation);
  }

  /** Deletes a conversation until `restore`. @throws Failure `not_found`, `conversation_busy` */
  async remove(owner: PersonId, conversation: ConversationId): Promise<void> {
    await this.#store.remove(conversation);
    this.#tell(owner, conversation);
  }

  /** @throws Failure `not_found` */
  async restore(owner: PersonId, conversation: ConversationId): Promise<void> {
    await this.#store.restore(conversation);
    this.#tell(owner, conversation);
  }

  /**
   * Imports conversations from a file, each for the person that `ownerOf` names. Returns how many were new,
   * how many were there already, and what could not be read. Lets other work run between the parts of the
   * file.
   */
  async bring(
    parts: AsyncIterable<ImportPart>,
    ownerOf: (conversation: ConversationHeader) => Promise<PersonId>,
  ): Promise<ImportResult> {
    const result = { added: 0, known: 0, faults: [] as readonly string[], leftOut: {} };
    const latest = new Map<PersonId, ConversationId>();
    const lost = { files: 0, collections: 0 };
    let incoming: (ConversationImport & { readonly owner: PersonId }) | null = null;
    try {
      for await (const part of parts) {
        if (part.kind === "begin") {
          const owner = await ownerOf(part.conversation);
          const { conversation, lostCollections } = await this.#withinReach(part.conversation, owner);
          const begun = await this.#store.beginImport(owner, conversation);
          lost.collections += begun ? lostCollections : 0;
          incoming = begun && { ...begun, owner };
          result[begun ? "added" : "known"]++;
        } else if (part.kind === "messages") await incoming?.add(part.messages);
        else if (part.kind === "file")
          lost.files += incoming && !(await this.#bringFile(incoming, part.file)) ? 1 : 0;
        else if (part.kind === "unread")
          Object.assign(result, { faults: part.faults, leftOut: withLost(part.leftOut, lost) });
        else if (incoming) {
          await incoming.end();
          latest.set(incoming.owner, incoming.id);
          incoming = null;
        }
        await new Promise((resolve) => setImmediate(resolve));
      }
    } catch (error) {
      // if this fails too, the unfinished import is erased later
      if (incoming) await this.#store.forget(incoming.id).catch(() => {});
      throw error;
    } finally {
      for (const [owner, conversation] of latest)
        this.#bus.publish(listTopic(owner), { kind: "listed", conversation, isLatest: false });
    }
    return result;
  }

  /** The conversation without collections that its new owner can't search, such as those of another house. */
  async #withinReach(conversation: ConversationHeader, owner: PersonId) {
    const { settings } = conversation;
    if (!settings?.documents?.length) return { conversation, lostCollections: 0 };
    const reach = new Set((await this.#store.collections.reachable(owner)).map(({ id }) => id));
    const documents = settings.documents.filter((id) => reach.has(id));
    const lostCollections = settings.documents.length - documents.length;
    return { conversation: { ...conversation, settings: { ...settings, documents } }, lostCollections };
  }

  /** False for a file that can't be taken: too large, of no known kind, or over what the owner may keep. */
  async #bringFile(
    incoming: ConversationImport & { readonly owner: PersonId },
    { id, name, bytes }: FileRecord,
  ): Promise<boolean> {
    try {
      const owner = await this.#store.people.person(incoming.owner);
      if (!owner) return false;
      const file = await this.#attachments.take(owner, null, { name, bytes });
      incoming.knows(id, file.id);
      return true;
    } catch (error) {
      if (error instanceof Failure && !error.code.startsWith("store_")) return false;
      throw error;
    }
  }

  #tell(owner: PersonId, conversation: ConversationId): void {
    this.#bus.publish(listTopic(owner), { kind: "listed", conversation, isLatest: false });
    this.#bus.publish(conversation, { kind: "reshaped", conversation });
  }
}

/** What was left out of a file, with what its reader could not know. */
function withLost(
  leftOut: Unread["leftOut"],
  { files, collections }: { readonly files: number; readonly collections: number },
): Unread["leftOut"] {
  return {
    ...leftOut,
    ...(files > 0 && { files: (leftOut.files ?? 0) + files }),
    ...(collections > 0 && { collections }),
  };
}
