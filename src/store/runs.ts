// The table of Runs: the queue, drafts, ends.

import type { Message } from "../domain/conversation.ts";
import { Failure } from "../domain/failure.ts";
import { type ConversationId, type MessageId, newId, type PersonId, type RunId } from "../domain/id.ts";
import { grown, type PartKind, type Parts, plainText } from "../domain/part.ts";
import type { Run, RunStats, WhichRuns } from "../domain/run.ts";
import { all, type Columns, change, type Database, one, perform, type Work } from "./database.ts";
import { partsColumn, type RunRow, toRun } from "./rows.ts";
import type { ActiveRun, Draft, Ending, UnfinishedRun, WrittenSoFar } from "./store.ts";

interface DraftRow {
  step: number;
  kind: PartKind;
  text: string;
  stream_bytes: number;
}

const pieceColumns: Columns = {
  run: "text",
  step: "bigint",
  kind: "text",
  text: "text",
  stream_bytes: "bigint",
};

export class RunTable {
  /** Adds a queued Run of `owner` that writes `answer`. */
  *add(answer: Message, owner: PersonId, withoutDocuments?: true): Work<Run> {
    const { conversation, id: message } = answer;
    const [id, createdAt] = [newId(), Date.now()];
    yield* perform(
      `insert into runs (id, owner, conversation, message, status, created_at, without_documents)
       values (?, ?, ?, ?, 'queued', ?, ?)`,
      ...[id, owner, conversation, message, createdAt, withoutDocuments ? 1 : 0],
    );
    return {
      ...{ id, owner, conversation, message, status: "queued", createdAt },
      ...{ finish: null, failure: null, stats: {}, slotFreed: true },
      ...(withoutDocuments && { withoutDocuments }),
    };
  }

  *start(run: RunId): Work<boolean> {
    const sql = "update runs set status = 'running' where id = ? and status = 'queued'";
    return (yield* change(sql, run)) === 1;
  }

  /** A step that has written nothing yet is remembered by an empty piece. */
  *checkpoint(drafts: readonly Draft[], db: Pick<Database, "rows">): Work<void> {
    const pieces = drafts.flatMap(({ run, step, pieces: some, streamBytes }) =>
      (some.length > 0 ? some : [{ kind: "text", text: "" }]).map(({ kind, text }) => {
        return [run, step, kind, text, streamBytes];
      }),
    );
    const { table, list } = db.rows(pieceColumns, pieces);
    const sql = `insert into drafts (run, step, kind, text, stream_bytes)
      select p.run, p.step, p.kind, p.text, p.stream_bytes from ${table} p
      where exists (select 1 from runs where id = p.run and status = 'running') order by p.n`;
    yield* perform(sql, list);
  }

  /** Closes an active Run and writes its text into its message; null when the Run was closed before. */
  *end(run: RunId, ending: Ending): Work<Run | null> {
    const { status, finish, stats, slotFreed, parts } = ending;
    const failure = ending.failure && JSON.stringify(ending.failure);
    const row = yield* one<RunRow>(
      `update runs set status = ?, finish = ?, failure = ?, stats = ?, slot_freed = ?
       where id = ? and status in ('queued', 'running') returning *`,
      status,
      finish,
      failure,
      JSON.stringify(stats),
      slotFreed ? 1 : 0,
      run,
    );
    if (row === null) return null;
    yield* perform("delete from drafts where run = ?", run);
    yield* perform(
      "update messages set text = ?, parts = ? where id = ?",
      plainText(parts),
      partsColumn(parts),
      row.message,
    );
    yield* this.#touch(row.conversation);
    return toRun(row);
  }

  *keepOpinion(run: RunId, bySense: NonNullable<RunStats["bySense"]>): Work<void> {
    const row = yield* one<RunRow>("select * from runs where id = ?", run);
    if (row === null) return;
    const stats = JSON.stringify({ ...toRun(row).stats, bySense });
    yield* perform("update runs set stats = ? where id = ?", stats, run);
  }

  /** The Runs that wait or run, in the order of the queue; or one of them. */
  *active(only?: RunId): Work<Run[]> {
    const sql = `select * from runs where status in ('queued', 'running') and id = coalesce(?, id) order by seq`;
    return (yield* all<RunRow>(sql, only ?? null)).map(toRun);
  }

  /** The owner of a Run that waits or runs; null for any other. */
  *activeOwner(run: RunId): Work<PersonId | null> {
    const sql = "select owner from runs where id = ? and status in ('queued', 'running')";
    return (yield* one<{ owner: string }>(sql, run))?.owner ?? null;
  }

  /** The Run that is writing in a conversation now. */
  *running(conversation: ConversationId): Work<Run | null> {
    const row = yield* one<RunRow>(
      "select * from runs where conversation = ? and status = 'running'",
      conversation,
    );
    return row && toRun(row);
  }

  /** See `Store.activeRuns`. */
  *activeInShort(conversation?: ConversationId): Work<ActiveRun[]> {
    const sql = `select id, status, stop_wished from runs
      where status in ('queued', 'running') and conversation = coalesce(?, conversation) order by seq`;
    type Row = { id: RunId; status: ActiveRun["status"]; stop_wished: number };
    const rows = yield* all<Row>(sql, conversation ?? null);
    return rows.map(({ id, status, stop_wished }) => ({ id, status, isStopWished: stop_wished === 1 }));
  }

  /** See `Store.wishStop`. */
  *wishStop({ id, conversation, owner }: WhichRuns): Work<number> {
    const sql = `update runs set stop_wished = 1
      where status in ('queued', 'running') and id = coalesce(?, id)
        and conversation = coalesce(?, conversation) and owner = coalesce(?, owner)`;
    return yield* change(sql, id ?? null, conversation ?? null, owner ?? null);
  }

  /** The active Runs, or one of them, with what they have written so far. */
  *unfinished(messageOf: (id: MessageId) => Work<Message | null>, only?: RunId): Work<UnfinishedRun[]> {
    const unfinished: UnfinishedRun[] = [];
    for (const run of yield* this.active(only)) {
      const answer = (yield* messageOf(run.message)) as Message;
      const draft = yield* this.draft(run.id, answer.parts);
      unfinished.push({ question: null, answer, run, draft });
    }
    return unfinished;
  }

  /** An answer with what its Run's checkpoints have added to the parts `before`. */
  *draft(run: RunId, before: Parts): Work<WrittenSoFar> {
    const rows = yield* all<DraftRow>(
      "select step, kind, text, stream_bytes from drafts where run = ? order by seq",
      run,
    );
    let [parts, step, from] = [before, 0, 0];
    for (const row of rows) {
      if (row.step > step) [step, from] = [row.step, parts.length];
      parts = grown(parts, from, row);
    }
    return { parts, step, from, streamBytes: rows.at(-1)?.stream_bytes ?? 0 };
  }

  /** @throws Failure `conversation_busy` */
  *refuseIfBusy(conversation: ConversationId): Work<void> {
    if (
      yield* one(
        "select 1 from runs where conversation = ? and status in ('queued', 'running')",
        conversation,
      )
    )
      throw new Failure("conversation_busy");
  }

  *#touch(conversation: ConversationId): Work<void> {
    yield* perform("update conversations set updated_at = ? where id = ?", Date.now(), conversation);
  }
}
