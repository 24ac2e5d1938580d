// Which conversations somebody looks at: pages and programs join one and leave it again.

import type { ConversationId } from "../domain/id.ts";

export class Attendance {
  readonly #watchers = new Map<ConversationId, number>();
  readonly #changed: () => void;

  /** `changed` is called when the first watcher of a conversation joins, and when the last one leaves. */
  constructor(changed: () => void) {
    this.#changed = changed;
  }

  /** Somebody looks at the conversation until the returned function is called, which must happen once. */
  join(conversation: ConversationId): () => void {
    const before = this.#watchers.get(conversation) ?? 0;
    this.#watchers.set(conversation, before + 1);
    if (before === 0) this.#changed();
    return () => this.#leave(conversation);
  }

  has(conversation: ConversationId): boolean {
    return this.#watchers.has(conversation);
  }

  #leave(conversation: ConversationId): void {
    const remaining = (this.#watchers.get(conversation) ?? 0) - 1;
    if (remaining > 0) this.#watchers.set(conversation, remaining);
    else if (this.#watchers.delete(conversation)) this.#changed();
  }
}
