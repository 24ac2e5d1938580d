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
    let lostFiles = 0;
    let incoming: (ConversationImport & { readonly owner: PersonId }) | null = null;
    try {
      for await (const part of parts) {
        if (part.kind === "begin") {
          const owner = await ownerOf(part.conversation);
          const begun = await this.#store.beginImport(owner, part.conversation);
          incoming = begun && { ...begun, owner };
          result[begun ? "added" : "known"]++;
        } else if (part.kind === "messages") await incoming?.add(part.messages);
        else if (part.kind === "file")
          lostFiles += incoming && !(await this.#bringFile(incoming, part.file)) ? 1 : 0;
        else if (part.kind === "unread")
          Object.assign(result, { faults: part.faults, leftOut: withFiles(part.leftOut, lostFiles) });
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

/** What was left out of a file, with these files more. */
const withFiles = (leftOut: Unread["leftOut"], lost: number): Unread["leftOut"] =>
  lost === 0 ? leftOut : { ...leftOut, files: (leftOut.files ?? 0) + lost };
