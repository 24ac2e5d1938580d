// The passages that answers may cite: parts of messages, with a counter for each conversation.

import type { ConversationId, RunId } from "../domain/id.ts";
import { type Parts, passagesIn, type SourcePart } from "../domain/part.ts";
import { all, type Database, one, perform, type Work } from "./database.ts";
import { type MessageRow, partsColumn, toMessage } from "./rows.ts";
import type { FoundSource, Sources } from "./sources.ts";

/** Condition on messages that may have sources: their JSON has this part. */
const hasSources = `parts like '%"kind":"source"%'`;

export class SourceTable implements Sources {
  readonly #db: Database;

  constructor(db: Database) {
    this.#db = db;
  }

  add(run: RunId, passages: readonly FoundSource[]): Promise<Parts | null> {
    return this.#db.write(() => this.#add(run, passages));
  }

  async has(conversation: ConversationId): Promise<boolean> {
    const where = `conversation = ? and deleted_at is null and ${hasSources}`;
    const sql = `select 1 from messages where ${where} limit 1`;
    return (await this.#db.read(() => one(sql, conversation))) !== null;
  }

  async find(conversation: ConversationId, n: number): Promise<SourcePart | null> {
    const isShown = `conversation = ? and deleted_at is null and ${hasSources}`;
    const shown = await this.#db.read(() => this.#all(isShown, conversation));
    return shown.findLast((source) => source.n === n) ?? null;
  }

  *#add(run: RunId, passages: readonly FoundSource[]): Work<Parts | null> {
    const row = yield* one<MessageRow>(
      "select m.* from messages m join runs r on r.message = m.id where r.id = ? and r.status = 'running'",
      run,
    );
    if (row === null) return null;
    const parts = [...(yield* this.#numbered(row.conversation, passages)), ...toMessage(row).parts];
    yield* perform("update messages set parts = ? where id = ?", partsColumn(parts), row.id);
    return parts;
  }

  *#numbered(conversation: ConversationId, passages: readonly FoundSource[]): Work<SourcePart[]> {
    const known = yield* this.#all(`conversation = ? and ${hasSources}`, conversation);
    const numbers = new Map(known.map(({ passage, n }) => [passage, n]));
    const sql = "select sources from conversations where id = ?";
    const before = (yield* one<{ sources: number }>(sql, conversation))?.sources ?? 0;
    // an import brings messages whose numbers the counter does not know
    let last = known.reduce((most, { n }) => Math.max(most, n), before);
    const sources = passages.map((found) => {
      const n = numbers.get(found.passage) ?? ++last;
      numbers.set(found.passage, n);
      return { kind: "source" as const, n, ...found };
    });
    yield* perform("update conversations set sources = ? where id = ?", last, conversation);
    return sources;
  }

  *#all(where: string, conversation: ConversationId): Work<SourcePart[]> {
    const rows = yield* all<MessageRow>(`select * from messages where ${where} order by seq`, conversation);
    return rows.flatMap((row) => passagesIn(toMessage(row).parts));
  }
}
