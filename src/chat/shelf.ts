// What people can do with conversations as a whole: name, pin, delete, bring back. Those that are kept, that is: a temporary
// one is on no shelf. Tells the list and the conversation's own pages. Used by live/socket.

import type { Bus } from "../bus/bus.ts";
import type { PersonId } from "../domain/account.ts";
import type { ConversationId } from "../domain/conversation.ts";
import { listTopic } from "../domain/event.ts";
import { Failure } from "../domain/failure.ts";
import type { ConversationRecord } from "../domain/record.ts";
import type { Store } from "../store/store.ts";

/** Longest name of a conversation, in UTF-16 units. */
const titleMaxChars = 200;

export class Shelf {
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

  /** Takes in conversations from a file as somebody's: how many are new, how many they had already. */
  async add(owner: PersonId, records: readonly ConversationRecord[]): Promise<{ added: number; known: number }> {
    let added = 0;
    for (const record of records) {
      if (await this.#store.add(owner, record)) added++;
      await new Promise((resolve) => setImmediate(resolve)); // whoever is being answered goes on being answered
    }
    const [first] = records;
    if (added > 0 && first) this.#bus.publish(listTopic(owner), { kind: "listed", conversation: first.id, isLatest: false });
    return { added, known: records.length - added };
  }

  #tell(owner: PersonId, conversation: ConversationId): void {
    this.#bus.publish(listTopic(owner), { kind: "listed", conversation, isLatest: false });
    this.#bus.publish(conversation, { kind: "reshaped", conversation });
  }
}
