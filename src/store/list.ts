// The Store's list of conversations in SQLite.

import type { Conversation, FoundPassage, ListedConversation } from "../domain/conversation.ts";
import { Failure } from "../domain/failure.ts";
import type { CollectionId, ConversationId, MessageId, PersonId } from "../domain/id.ts";
import type { Settings } from "../domain/persona.ts";
import type { Queries } from "./queries.ts";
import { type ConversationRow, documentsColumn, toConversation } from "./rows.ts";
import { search } from "./search.ts";
import type { ListRange } from "./store.ts";

type EntryRow = ConversationRow & { active: number };

const entries = `select c.*,
    exists (select 1 from runs where conversation = c.id and status in ('queued', 'running')) as active
  from conversations c where c.deleted_at is null`;

const toEntry = (row: EntryRow): ListedConversation => ({ ...toConversation(row), active: row.active === 1 });

export class ConversationList {
  readonly #q: Queries;

  constructor(queries: Queries) {
    this.#q = queries;
  }

  page({ owner, limit, after }: ListRange): ListedConversation[] {
    // by the entry's old position: it may have moved up since, or be deleted
    const from =
      after === undefined
        ? ""
        : `and (c.pinned, c.updated_at, c.seq)
             < (?3, ?4, coalesce((select seq from conversations where id = ?5), 0))`;
    const sql = `${entries} and c.owner = ?1 ${from}
      order by c.pinned desc, c.updated_at desc, c.seq desc limit ?2`;
    return this.#q
      .all<EntryRow>(
        sql,
        owner,
        limit,
        ...(after === undefined ? [] : [after.pinned ? 1 : 0, after.updatedAt, after.id]),
      )
      .map(toEntry);
  }

  conversation(id: ConversationId): Conversation | null {
    const row = this.#q.one<ConversationRow>(
      "select * from conversations where id = ? and deleted_at is null",
      id,
    );
    return row && toConversation(row);
  }

  entry(id: ConversationId): ListedConversation | null {
    const row = this.#q.one<EntryRow>(`${entries} and c.id = ?`, id);
    return row && toEntry(row);
  }

  ownerOf(id: ConversationId): PersonId | null {
    return this.#q.one<{ owner: string }>("select owner from conversations where id = ?", id)?.owner ?? null;
  }

  add(id: ConversationId, owner: PersonId, title: string, settings: Settings): void {
    const { persona, sampling, model } = settings;
    this.#q.run(
      `insert into conversations
         (id, owner, title, created_at, updated_at, persona, sampling, model, documents)
       values (?, ?, ?, ?4, ?4, ?5, ?6, ?7, ?8)`,
      id,
      owner,
      title,
      Date.now(),
      persona,
      JSON.stringify(sampling),
      model ?? null,
      documentsColumn(settings),
    );
  }

  /** Makes `head` the shown leaf, and the conversation the latest of the list. */
  advance(id: ConversationId, head: MessageId): void {
    this.#q.run("update conversations set head = ?, updated_at = ? where id = ?", head, Date.now(), id);
  }

  rename(id: ConversationId, title: string): void {
    this.#refuseMissing(
      this.#q.run(
        "update conversations set title = ?, titled_by = 'person' where id = ? and deleted_at is null",
        title,
        id,
      ),
    );
  }

  setGeneratedTitle(id: ConversationId, title: string): void {
    // only once: after that the title counts as chosen by a person
    this.#q.run(
      "update conversations set title = ?, titled_by = 'person' where id = ? and titled_by = 'text'",
      title,
      id,
    );
  }

  setSettings(id: ConversationId, settings: Settings): void {
    const { persona, sampling, model } = settings;
    const changed = this.#q.run(
      `update conversations set persona = ?, sampling = ?, model = ?, documents = ?
       where id = ? and deleted_at is null`,
      persona,
      JSON.stringify(sampling),
      model ?? null,
      documentsColumn(settings),
      id,
    );
    this.#refuseMissing(changed);
  }

  /** Sets the collections that a conversation answers from. */
  setDocuments(id: ConversationId, documents: readonly CollectionId[]): void {
    const column = documentsColumn({ documents });
    this.#q.run("update conversations set documents = ? where id = ?", column, id);
  }

  pin(id: ConversationId, pinned: boolean): void {
    this.#refuseMissing(
      this.#q.run(
        "update conversations set pinned = ? where id = ? and deleted_at is null",
        pinned ? 1 : 0,
        id,
      ),
    );
  }

  remove(id: ConversationId): void {
    this.#refuseMissing(
      this.#q.run(
        "update conversations set deleted_at = ? where id = ? and deleted_at is null",
        Date.now(),
        id,
      ),
    );
  }

  restore(id: ConversationId): void {
    this.#refuseMissing(this.#q.run("update conversations set deleted_at = null where id = ?", id));
  }

  removedBefore(time: number): ConversationId[] {
    return this.#q
      .all<{ id: string }>("select id from conversations where deleted_at < ?", time)
      .map(({ id }) => id);
  }

  /** Erases the conversation's row. Its messages must be erased before. */
  delete(id: ConversationId): void {
    this.#q.run("delete from conversations where id = ?", id);
  }

  /** A write that leaves no change but uses the journal, so it fails on a full disk or a read-only file. */
  probe(): void {
    this.#q.run("insert into conversations (id, created_at, updated_at) values ('', 0, 0)");
    this.delete("");
  }

  search(owner: PersonId, query: string, limit: number): FoundPassage[] {
    return search(this.#q, owner, query, limit);
  }

  #refuseMissing(changed: number): void {
    if (changed === 0) throw new Failure("not_found");
  }
}
