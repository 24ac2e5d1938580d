// Whole conversations out of SQLite and into it. Used by store/sqlite only.

import type { PersonId } from "../domain/account.ts";
import { type ConversationId, newId } from "../domain/conversation.ts";
import { noSettings } from "../domain/persona.ts";
import type { ConversationRecord } from "../domain/record.ts";
import type { Queries } from "./queries.ts";
import { type ConversationRow, type MessageRow, toMessage, toSettings } from "./rows.ts";
import type { RunTable } from "./runs.ts";
import type { Which } from "./store.ts";

export class TransferTable {
  readonly #q: Queries;
  readonly #runs: RunTable;

  constructor(queries: Queries, runs: RunTable) {
    this.#q = queries;
    this.#runs = runs;
  }

  ids({ owner, idleSince = Number.MAX_SAFE_INTEGER }: Which): ConversationId[] {
    const sql = "select id from conversations where deleted_at is null and updated_at <= ?1 and owner = coalesce(?2, owner) order by seq";
    return this.#q.all<{ id: string }>(sql, idleSince, owner ?? null).map(({ id }) => id);
  }

  record(id: ConversationId): ConversationRecord | null {
    const row = this.#q.one<ConversationRow>("select * from conversations where id = ? and deleted_at is null", id);
    if (!row) return null;
    const messages = this.#q
      .all<MessageRow>("select * from messages where conversation = ? and deleted_at is null order by seq", id)
      .map((row) => toMessage(row));
    const running = this.#runs.running(id);
    const draft = running && this.#runs.draft(running.id);
    const shown = messages.map(({ id, parent, role, text, reasoning, createdAt }) => {
      const added = id === running?.message && draft ? draft : { text: "", reasoning: "" };
      return { id, parent, role, text: text + added.text, reasoning: reasoning + added.reasoning, createdAt };
    });
    const { title, head, created_at: createdAt, updated_at: updatedAt } = row;
    return { parlor: 1, id, title, head, settings: toSettings(row), createdAt, updatedAt, messages: shown };
  }

  /** The id that a conversation from a file has here as this owner's: another one where somebody else has brought in the same. */
  idFor(owner: PersonId, id: ConversationId): ConversationId {
    const other = this.#q.one("select 1 from conversations where id = ? and owner <> ?", id, owner);
    if (!other) return id;
    return new Bun.CryptoHasher("sha256").update(`${owner} ${id}`).digest("base64url").slice(0, 22);
  }

  /** False when the owner has the conversation already. Its messages get other ids where another conversation has these. */
  add(owner: PersonId, given: ConversationRecord): boolean {
    const { id, title, head, createdAt, updatedAt, messages, settings = noSettings } = this.#withFreeIds({ ...given, id: this.idFor(owner, given.id) });
    if (this.#q.one("select 1 from conversations where id = ?", id)) return false;
    this.#q.run(
      "insert into conversations (owner, id, head, title, titled_by, created_at, updated_at, persona, sampling, model) values (?, ?, ?, ?, 'person', ?, ?, ?, ?, ?)",
      owner,
      id,
      head,
      title,
      createdAt,
      updatedAt,
      settings.persona,
      JSON.stringify(settings.sampling),
      settings.model ?? null,
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

  #withFreeIds(record: ConversationRecord): ConversationRecord {
    const ids = record.messages.map(({ id }) => id);
    const sql = "select id from messages where conversation <> ? and id in (select value from json_each(?))";
    const taken = new Set(this.#q.all<{ id: string }>(sql, record.id, JSON.stringify(ids)).map(({ id }) => id));
    if (taken.size === 0) return record;
    const others = new Map(ids.map((id) => [id, taken.has(id) ? newId() : id]));
    const other = (id: string | null) => (id === null ? null : (others.get(id) ?? null));
    const messages = record.messages.map((message) => ({ ...message, id: other(message.id) as string, parent: other(message.parent) }));
    return { ...record, head: other(record.head), messages };
  }
}
