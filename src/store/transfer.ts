// Exports whole conversations from SQLite, and imports them.

import type { Message } from "../domain/conversation.ts";
import type { FileId } from "../domain/file.ts";
import { type ConversationId, type MessageId, newId, type PersonId } from "../domain/id.ts";
import { filesIn, plainText, textParts } from "../domain/part.ts";
import { noSettings } from "../domain/persona.ts";
import type { ConversationHeader, ConversationRecord, MessageRecord } from "../domain/record.ts";
import type { FileTable } from "./file-table.ts";
import type { Queries } from "./queries.ts";
import { type ConversationRow, type MessageRow, partsColumn, toMessage, toSettings } from "./rows.ts";
import type { RunTable } from "./runs.ts";
import type { ConversationFilter, ConversationImport } from "./store.ts";

/**
 * Until an import has ended, its conversation counts as deleted at this time from now. If the process ends
 * before, the conversation is purged like a deleted one.
 */
const incomingMs = 60 * 60_000;

export class TransferTable {
  readonly #q: Queries;
  readonly #runs: RunTable;
  readonly #files: FileTable;
  /** Deletes a conversation with everything in it. */
  readonly #clear: (conversation: ConversationId) => void;

  constructor(
    queries: Queries,
    { runs, files }: { runs: RunTable; files: FileTable },
    clear: (conversation: ConversationId) => void,
  ) {
    this.#q = queries;
    this.#files = files;
    this.#clear = clear;
    this.#runs = runs;
  }

  ids({ owner, idleSince = Number.MAX_SAFE_INTEGER }: ConversationFilter): ConversationId[] {
    const sql = `select id from conversations
      where deleted_at is null and updated_at <= ?1 and owner = coalesce(?2, owner) order by seq`;
    return this.#q.all<{ id: string }>(sql, idleSince, owner ?? null).map(({ id }) => id);
  }

  record(id: ConversationId): ConversationRecord | null {
    const row = this.#q.one<ConversationRow>(
      "select * from conversations where id = ? and deleted_at is null",
      id,
    );
    if (!row) return null;
    const messages = this.#q
      .all<MessageRow>(
        "select * from messages where conversation = ? and deleted_at is null order by seq",
        id,
      )
      .map((row) => toMessage(row));
    const running = this.#runs.running(id);
    const shown = messages.map((message) =>
      toRecord(
        running?.message === message.id
          ? { ...message, parts: this.#runs.draft(running.id, message.parts).parts }
          : message,
      ),
    );
    const { title, head, created_at: createdAt, updated_at: updatedAt } = row;
    return { parlor: 2, id, title, head, settings: toSettings(row), createdAt, updatedAt, messages: shown };
  }

  /**
   * The id of an imported conversation in this Store: another one where a different person has the same
   * conversation.
   */
  idFor(owner: PersonId, id: ConversationId): ConversationId {
    const other = this.#q.one("select 1 from conversations where id = ? and owner <> ?", id, owner);
    if (!other) return id;
    return new Bun.CryptoHasher("sha256").update(`${owner} ${id}`).digest("base64url").slice(0, 22);
  }

  async addAll(owner: PersonId, record: ConversationRecord): Promise<boolean> {
    const incoming = this.beginImport(owner, record);
    await incoming?.add(record.messages);
    await incoming?.end();
    return incoming !== null;
  }

  beginImport(owner: PersonId, conversation: ConversationHeader): ConversationImport | null {
    const id = this.idFor(owner, conversation.id);
    const { head } = conversation;
    if (this.#q.one("select 1 from conversations where id = ? and deleted_at is not null", id))
      this.#q.transaction(() => this.#clear(id));
    if (!this.#q.transaction(() => this.#begin(owner, { ...conversation, id }))) return null;
    const others = new Map<MessageId, MessageId>();
    const files = new Map<FileId, FileId>();
    return {
      id,
      knows: (file, as) => files.set(file, as),
      add: async (messages) => this.#q.transaction(() => this.#add(id, messages, others, files)),
      end: async () => this.#end(id, others.get(head ?? "") ?? head),
    };
  }

  /** Makes a conversation that is hidden until the import has ended. False when the owner has it already. */
  #begin(
    owner: PersonId,
    { id, head, title, createdAt, updatedAt, settings = noSettings }: ConversationHeader,
  ): boolean {
    if (this.#q.one("select 1 from conversations where id = ?", id)) return false;
    this.#q.run(
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
    return true;
  }

  /** Messages whose ids are taken by another conversation get new ids, which are added to `others`. */
  #add(
    conversation: ConversationId,
    messages: readonly MessageRecord[],
    others: Map<MessageId, MessageId>,
    files: ReadonlyMap<FileId, FileId>,
  ): void {
    const sql = "select id from messages where conversation <> ? and id in (select value from json_each(?))";
    for (const { id } of this.#q.all<{ id: string }>(
      sql,
      conversation,
      JSON.stringify(messages.map(({ id }) => id)),
    ))
      others.set(id, newId());
    const other = (id: string | null) => (id === null ? null : (others.get(id) ?? id));
    for (const { id, parent, role, text, parts: given = textParts(text), createdAt } of messages) {
      const parts = given.map((part) =>
        part.kind === "file"
          ? { ...part, file: null, ...this.#files.partOf(files.get(part.file ?? "")) }
          : part,
      );
      this.#q.run(
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
      this.#files.attach(other(id) as MessageId, filesIn(parts));
    }
  }

  #end(conversation: ConversationId, head: MessageId | null): void {
    this.#q.run("update conversations set head = ?, deleted_at = null where id = ?", head, conversation);
  }
}

function toRecord({ id, parent, role, parts, createdAt }: Message): MessageRecord {
  const others = partsColumn(parts) === null ? {} : { parts };
  return { id, parent, role, text: plainText(parts), ...others, createdAt };
}
