// The table of conversations, as a person's list shows them.

import type { Conversation, ListedConversation } from "../domain/conversation.ts";
import { Failure } from "../domain/failure.ts";
import type { CollectionId, ConversationId, MessageId, PersonId } from "../domain/id.ts";
import type { Settings } from "../domain/persona.ts";
import { all, change, one, perform, type Truth, type Work } from "./database.ts";
import type { ListRange } from "./ranges.ts";
import { type ConversationRow, documentsColumn, toConversation } from "./rows.ts";

type EntryRow = ConversationRow & { active: Truth };

const entries = `select c.*,
    exists (select 1 from runs where conversation = c.id and status in ('queued', 'running')) as active
  from conversations c where c.deleted_at is null`;

const toEntry = (row: EntryRow): ListedConversation => ({
  ...toConversation(row),
  active: Boolean(row.active),
});

export class ConversationList {
  *page({ owner, limit, after }: ListRange): Work<ListedConversation[]> {
    // by the entry's old position: it may have moved up since, or be deleted
    const from =
      after === undefined
        ? ""
        : `and (c.pinned, c.updated_at, c.seq)
             < (?3, ?4, coalesce((select seq from conversations where id = ?5), 0))`;
    const sql = `${entries} and c.owner = ?1 ${from}
      order by c.pinned desc, c.updated_at desc, c.seq desc limit ?2`;
    const place = after === undefined ? [] : [after.pinned ? 1 : 0, after.updatedAt, after.id];
    return (yield* all<EntryRow>(sql, owner, limit, ...place)).map(toEntry);
  }

  *conversation(id: ConversationId): Work<Conversation | null> {
    const row = yield* one<ConversationRow>(
      "select * from conversations where id = ? and deleted_at is null",
      id,
    );
    return row && toConversation(row);
  }

  *entry(id: ConversationId): Work<ListedConversation | null> {
    const row = yield* one<EntryRow>(`${entries} and c.id = ?`, id);
    return row && toEntry(row);
  }

  *ownerOf(id: ConversationId): Work<PersonId | null> {
    const row = yield* one<{ owner: string }>("select owner from conversations where id = ?", id);
    return row?.owner ?? null;
  }

  *add(id: ConversationId, owner: PersonId, title: string, settings: Settings): Work<void> {
    const { persona, sampling, model } = settings;
    yield* perform(
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
  *advance(id: ConversationId, head: MessageId): Work<void> {
    yield* perform("update conversations set head = ?, updated_at = ? where id = ?", head, Date.now(), id);
  }

  *rename(id: ConversationId, title: string): Work<void> {
    this.#refuseMissing(
      yield* change(
        "update conversations set title = ?, titled_by = 'person' where id = ? and deleted_at is null",
        title,
        id,
      ),
    );
  }

  *setGeneratedTitle(id: ConversationId, title: string): Work<void> {
    // only once: after that the title counts as chosen by a person
    yield* change(
      "update conversations set title = ?, titled_by = 'person' where id = ? and titled_by = 'text'",
      title,
      id,
    );
  }

  *setSettings(id: ConversationId, settings: Settings): Work<void> {
    const { persona, sampling, model } = settings;
    const changed = yield* change(
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
  *setDocuments(id: ConversationId, documents: readonly CollectionId[]): Work<void> {
    const column = documentsColumn({ documents });
    yield* perform("update conversations set documents = ? where id = ?", column, id);
  }

  *pin(id: ConversationId, pinned: boolean): Work<void> {
    this.#refuseMissing(
      yield* change(
        "update conversations set pinned = ? where id = ? and deleted_at is null",
        pinned ? 1 : 0,
        id,
      ),
    );
  }

  *remove(id: ConversationId): Work<void> {
    this.#refuseMissing(
      yield* change(
        "update conversations set deleted_at = ? where id = ? and deleted_at is null",
        Date.now(),
        id,
      ),
    );
  }

  *restore(id: ConversationId): Work<void> {
    this.#refuseMissing(yield* change("update conversations set deleted_at = null where id = ?", id));
  }

  *removedBefore(time: number): Work<ConversationId[]> {
    const sql = "select id from conversations where deleted_at < ?";
    return (yield* all<{ id: string }>(sql, time)).map(({ id }) => id);
  }

  /** Erases the conversation's row. Its messages must be erased before. */
  *delete(id: ConversationId): Work<void> {
    yield* change("delete from conversations where id = ?", id);
  }

  /** A write that leaves no change but uses the journal, so it fails on a full disk or a read-only file. */
  *probe(): Work<void> {
    yield* change("insert into conversations (id, created_at, updated_at) values ('', 0, 0)");
    yield* this.delete("");
  }

  #refuseMissing(changed: number): void {
    if (changed === 0) throw new Failure("not_found");
  }
}
