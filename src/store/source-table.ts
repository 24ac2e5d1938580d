// The passages that answers may cite, in SQLite: parts of messages, with a counter for each conversation.

import type { ConversationId, RunId } from "../domain/id.ts";
import { type Parts, passagesIn, type SourcePart } from "../domain/part.ts";
import type { Queries } from "./queries.ts";
import { type MessageRow, partsColumn, toMessage } from "./rows.ts";
import type { FoundSource, Sources } from "./sources.ts";

/** Condition on messages that may have sources: their JSON has this part. */
const hasSources = `parts like '%"kind":"source"%'`;

export class SourceTable implements Sources {
  readonly #q: Queries;

  constructor(queries: Queries) {
    this.#q = queries;
  }

  async add(run: RunId, passages: readonly FoundSource[]): Promise<Parts | null> {
    return this.#q.transaction(() => {
      const row = this.#q.one<MessageRow>(
        `select m.* from messages m join runs r on r.message = m.id
         where r.id = ? and r.status = 'running'`,
        run,
      );
      if (row === null) return null;
      const parts = [...this.#numbered(row.conversation, passages), ...toMessage(row).parts];
      this.#q.run("update messages set parts = ? where id = ?", partsColumn(parts), row.id);
      return parts;
    });
  }

  async has(conversation: ConversationId): Promise<boolean> {
    const where = `conversation = ? and deleted_at is null and ${hasSources}`;
    return this.#q.one(`select 1 from messages where ${where} limit 1`, conversation) !== null;
  }

  async find(conversation: ConversationId, n: number): Promise<SourcePart | null> {
    const shown = this.#all(`conversation = ? and deleted_at is null and ${hasSources}`, conversation);
    return shown.findLast((source) => source.n === n) ?? null;
  }

  #numbered(conversation: ConversationId, passages: readonly FoundSource[]): SourcePart[] {
    const known = this.#all(`conversation = ? and ${hasSources}`, conversation);
    const numbers = new Map(known.map(({ passage, n }) => [passage, n]));
    const sql = "select sources from conversations where id = ?";
    const before = this.#q.one<{ sources: number }>(sql, conversation)?.sources ?? 0;
    // an import brings messages whose numbers the counter does not know
    let last = known.reduce((most, { n }) => Math.max(most, n), before);
    const sources = passages.map((found) => {
      const n = numbers.get(found.passage) ?? ++last;
      numbers.set(found.passage, n);
      return { kind: "source" as const, n, ...found };
    });
    this.#q.run("update conversations set sources = ? where id = ?", last, conversation);
    return sources;
  }

  #all(where: string, conversation: ConversationId): SourcePart[] {
    const rows = this.#q.all<MessageRow>(`select * from messages where ${where} order by seq`, conversation);
    return rows.flatMap((row) => passagesIn(toMessage(row).parts));
  }
}
