// What people can do with conversations as a whole: name, pin, delete, bring back. Those that are kept, that
// is: a temporary one is on no shelf. Tells the list and the conversation's own pages.

import type { Bus } from "../bus/bus.ts";
import { listTopic } from "../domain/event.ts";
import { Failure } from "../domain/failure.ts";
import type { ConversationId, PersonId } from "../domain/id.ts";
import type { ConversationHeader, ImportPart, Unread } from "../domain/record.ts";
import type { ConversationImport, Store } from "../store/store.ts";

/** Longest name of a conversation, in UTF-16 units. */
const titleMaxChars = 200;

interface Brought extends Unread {
  readonly added: number;
  readonly known: number;
}

export class ConversationActions {
  readonly #store: Store;
  readonly #bus: Bus;

  constructor({ store, bus }: { store: Store; bus: Bus }) {
    this.#store = store;
    this.#bus = bus;
  }

  /** Gives a conversation a name. @throws Failure `not_found`, `message_empty` */
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

  /** Deletes a conversation in a way that `restore` undoes. @throws Failure `not_found`, `conversation_busy` */
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
   * Takes in what is read of a file, each conversation as `ownerOf` says: how many are new, how many were there already, and what was not read.
   * Whoever is being answered goes on being answered meanwhile.
   */
  async bring(
    parts: AsyncIterable<ImportPart>,
    ownerOf: (conversation: ConversationHeader) => Promise<PersonId>,
  ): Promise<Brought> {
    const brought = { added: 0, known: 0, faults: [] as readonly string[], leftOut: {} };
    const latest = new Map<PersonId, ConversationId>();
    let incoming: (ConversationImport & { readonly owner: PersonId }) | null = null;
    try {
      for await (const part of parts) {
        if (part.kind === "begin") {
          const owner = await ownerOf(part.conversation);
          const begun = await this.#store.bring(owner, part.conversation);
          incoming = begun && { ...begun, owner };
          brought[begun ? "added" : "known"]++;
        } else if (part.kind === "messages") await incoming?.add(part.messages);
        else if (part.kind === "unread")
          Object.assign(brought, { faults: part.faults, leftOut: part.leftOut });
        else if (incoming) {
          await incoming.end();
          latest.set(incoming.owner, incoming.id);
          incoming = null;
        }
        await new Promise((resolve) => setImmediate(resolve));
      }
    } catch (error) {
      if (incoming) await this.#store.forget(incoming.id).catch(() => {}); // a store that can't be written forgets it later
      throw error;
    } finally {
      for (const [owner, conversation] of latest)
        this.#bus.publish(listTopic(owner), { kind: "listed", conversation, isLatest: false });
    }
    return brought;
  }

  #tell(owner: PersonId, conversation: ConversationId): void {
    this.#bus.publish(listTopic(owner), { kind: "listed", conversation, isLatest: false });
    this.#bus.publish(conversation, { kind: "reshaped", conversation });
  }
}
