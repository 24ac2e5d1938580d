// Whole conversations out of SQLite and into it. Used by store/sqlite only.

import type { ConversationId } from "../domain/conversation.ts";
import { noSettings } from "../domain/persona.ts";
import type { ConversationRecord } from "../domain/record.ts";
import type { Queries } from "./queries.ts";
import { type ConversationRow, type MessageRow, toMessage, toSettings } from "./rows.ts";

export class TransferTable {
  readonly #q: Queries;

  constructor(queries: Queries) {
    this.#q = queries;
  }

  ids(idleSince = Number.MAX_SAFE_INTEGER): ConversationId[] {
    const sql = "select id from conversations where deleted_at is null and updated_at <= ? order by seq";
    return this.#q.all<{ id: string }>(sql, idleSince).map(({ id }) => id);
  }

  record(id: ConversationId): ConversationRecord | null {
    const row = this.#q.one<ConversationRow>("select * from conversations where id = ? and deleted_at is null", id);
    if (!row) return null;
    const messages = this.#q.all<MessageRow>("select * from messages where conversation = ? order by seq", id).map(toMessage);
    const shown = messages.map(({ id, parent, role, text, reasoning, createdAt }) => ({ id, parent, role, text, reasoning, createdAt }));
    const { title, head, created_at: createdAt, updated_at: updatedAt } = row;
    return { parlor: 1, id, title, head, settings: toSettings(row), createdAt, updatedAt, messages: shown };
  }

  /** False when the conversation, or a message of it, is here already. */
  add({ id, title, head, createdAt, updatedAt, messages, settings = noSettings }: ConversationRecord): boolean {
    const ids = JSON.stringify(messages.map((message) => message.id));
    if (this.#q.one("select 1 from conversations where id = ?", id)) return false;
    if (this.#q.one("select 1 from messages where id in (select value from json_each(?))", ids)) return false;
    this.#q.run(
      "insert into conversations (id, head, title, titled_by, created_at, updated_at, persona, sampling) values (?, ?, ?, 'person', ?, ?, ?, ?)",
      id,
      head,
      title,
      createdAt,
      updatedAt,
      settings.persona,
      JSON.stringify(settings.sampling),
    );
    for (const message of messages) {
      this.#q.run(
        "insert into messages (id, conversation, parent, role, text, reasoning, created_at) values (?, ?, ?, ?, ?, ?, ?)",
        message.id,
        id,
        message.parent,
        message.role,
        message.text,
        message.reasoning,
        message.createdAt,
      );
    }
    return true;
  }
}
