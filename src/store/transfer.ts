// Exports whole conversations, and imports them.

import type { Message } from "../domain/conversation.ts";
import type { FileId } from "../domain/file.ts";
import { type ConversationId, type MessageId, newId, type PersonId } from "../domain/id.ts";
import { filesIn, type Part, plainText, textParts } from "../domain/part.ts";
import { noSettings } from "../domain/persona.ts";
import type { ConversationHeader, ConversationRecord, MessageRecord } from "../domain/record.ts";
import { all, change, type Database, one, type Work } from "./database.ts";
import type { FileTable } from "./file-table.ts";
import type { ConversationFilter } from "./ranges.ts";
import { type ConversationRow, type MessageRow, partsColumn, toMessage, toSettings } from "./rows.ts";
import type { RunTable } from "./runs.ts";
import type { ConversationImport } from "./store.ts";

/**
 * Until an import has ended, its conversation counts as deleted at this time from now. If the process ends
 * before, the conversation is purged like a deleted one.
 */
const incomingMs = 60 * 60_000;

export class TransferTable {
  readonly #db: Database;
  readonly #runs: RunTable;
  readonly #files: FileTable;
  /** Deletes a conversation with everything in it. */
  readonly #clear: (conversation: ConversationId) => Work<void>;

  constructor(
    db: Database,
    { runs, files }: { runs: RunTable; files: FileTable },
    clear: (conversation: ConversationId) => Work<void>,
  ) {
    this.#db = db;
    this.#files = files;
    this.#clear = clear;
    this.#runs = runs;
  }

  *ids({ owner, idleSince = Number.MAX_SAFE_INTEGER }: ConversationFilter): Work<ConversationId[]> {
    const sql = `select id from conversations
      where deleted_at is null and updated_at <= ?1 and owner = coalesce(cast(?2 as text), owner)
      order by seq`;
    return (yield* all<{ id: string }>(sql, idleSince, owner ?? null)).map(({ id }) => id);
  }

  *record(id: ConversationId): Work<ConversationRecord | null> {
    const row = yield* one<ConversationRow>(
      "select * from conversations where id = ? and deleted_at is null",
      id,
    );
    if (!row) return null;
    const sql = "select * from messages where conversation = ? and deleted_at is null order by seq";
    const running = yield* this.#runs.running(id);
    const messages: MessageRecord[] = [];
    for (const message of (yield* all<MessageRow>(sql, id)).map(toMessage)) {
      const draft = running?.message === message.id ? yield* this.#runs.draft(running.id, message.parts) : {};
      messages.push(toRecord({ ...message, ...draft }));
    }
    const { title, head, created_at: createdAt, updated_at: updatedAt } = row;
    return { parlor: 2, id, title, head, settings: toSettings(row), createdAt, updatedAt, messages };
  }

  /**
   * The id of an imported conversation in this Store: another one where a different person has the same
   * conversation.
   */
  *#idFor(owner: PersonId, id: ConversationId): Work<ConversationId> {
    const other = yield* one("select 1 from conversations where id = ? and owner <> ?", id, owner);
    if (!other) return id;
    return new Bun.CryptoHasher("sha256").update(`${owner} ${id}`).digest("base64url").slice(0, 22);
  }

  async addAll(owner: PersonId, record: ConversationRecord): Promise<boolean> {
    const incoming = await this.beginImport(owner, record);
    await incoming?.add(record.messages);
    await incoming?.end();
    return incoming !== null;
  }

  async beginImport(owner: PersonId, conversation: ConversationHeader): Promise<ConversationImport | null> {
    const id = await this.#db.write(() => this.#begin(owner, conversation));
    if (id === null) return null;
    const { head } = conversation;
    const others = new Map<MessageId, MessageId>();
    const files = new Map<FileId, FileId>();
    return {
      id,
      knows: (file, as) => files.set(file, as),
      add: (messages) => this.#db.write(() => this.#add(id, messages, others, files)),
      end: () => this.#db.write(() => this.#end(id, others.get(head ?? "") ?? head)),
    };
  }

  /** Makes a conversation that is hidden until the import has ended. Null when the owner has it already. */
  *#begin(owner: PersonId, conversation: ConversationHeader): Work<ConversationId | null> {
    const { head, title, createdAt, updatedAt, settings = noSettings } = conversation;
    const id = yield* this.#idFor(owner, conversation.id);
    if (yield* one("select 1 from conversations where id = ? and deleted_at is not null", id))
      yield* this.#clear(id);
    if (yield* one("select 1 from conversations where id = ?", id)) return null;
    yield* change(
      `insert into conversations
         (owner, id, head, title, titled_by, created_at, updated_at, persona, sampling, model, deleted_at)
       values (?, ?, ?, ?, 'person', ?, ?, ?, ?, ?, ?)`,
      owner,
      id,
      head,
      title,
      createdAt,
      updatedAt,
      settings.persona,
      JSON.stringify(settings.sampling),
      settings.model ?? null,
      Date.now() + incomingMs,
    );
    return id;
  }

  /** Messages whose ids are taken by another conversation get new ids, which are added to `others`. */
  *#add(
    conversation: ConversationId,
    messages: readonly MessageRecord[],
    others: Map<MessageId, MessageId>,
    files: ReadonlyMap<FileId, FileId>,
  ): Work<void> {
    const { condition, list } = this.#db.within(
      "id",
      messages.map(({ id }) => id),
    );
    const sql = `select id from messages where conversation <> ? and ${condition}`;
    for (const { id } of yield* all<{ id: string }>(sql, conversation, list)) others.set(id, newId());
    const other = (id: string | null) => (id === null ? null : (others.get(id) ?? id));
    for (const { id, parent, role, text, parts: given = textParts(text), createdAt } of messages) {
      const parts: Part[] = [];
      for (const part of given) {
        const stored = part.kind === "file" ? yield* this.#files.partOf(files.get(part.file ?? "")) : null;
        parts.push(part.kind === "file" ? { ...part, file: null, ...stored } : part);
      }
      yield* change(
        `insert into messages (id, conversation, parent, role, text, parts, created_at)
         values (?, ?, ?, ?, ?, ?, ?)`,
        other(id),
        conversation,
        other(parent),
        role,
        plainText(parts),
        partsColumn(parts),
        createdAt,
      );
      yield* this.#files.attach(other(id) as MessageId, filesIn(parts));
    }
  }

  *#end(conversation: ConversationId, head: MessageId | null): Work<void> {
    yield* change("update conversations set head = ?, deleted_at = null where id = ?", head, conversation);
  }
}

function toRecord({ id, parent, role, parts, createdAt }: Message): MessageRecord {
  const others = partsColumn(parts) === null ? {} : { parts };
  return { id, parent, role, text: plainText(parts), ...others, createdAt };
}
