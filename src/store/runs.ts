// Runs in SQLite: the queue, drafts, ends.

import type { Message } from "../domain/conversation.ts";
import { Failure } from "../domain/failure.ts";
import { type ConversationId, type MessageId, newId, type PersonId, type RunId } from "../domain/id.ts";
import { grown, type PartKind, type Parts, plainText } from "../domain/part.ts";
import type { Run } from "../domain/run.ts";
import type { Queries } from "./queries.ts";
import { partsColumn, type RunRow, toRun } from "./rows.ts";
import type { Draft, Ending, UnfinishedRun, WrittenSoFar } from "./store.ts";

interface DraftRow {
  step: number;
  kind: PartKind;
  text: string;
  stream_bytes: number;
}

export class RunTable {
  readonly #q: Queries;

  constructor(queries: Queries) {
    this.#q = queries;
  }

  /** Adds a queued Run of `owner` that writes `answer`. */
  add(answer: Message, owner: PersonId, withoutDocuments?: true): Run {
    const row = this.#q.one<RunRow>(
      `insert into runs (id, owner, conversation, message, status, created_at, without_documents)
       values (?, ?, ?, ?, 'queued', ?, ?) returning *`,
      newId(),
      owner,
      answer.conversation,
      answer.id,
      Date.now(),
      withoutDocuments ? 1 : 0,
    );
    return toRun(row as RunRow);
  }

  start(run: RunId): boolean {
    return this.#q.run("update runs set status = 'running' where id = ? and status = 'queued'", run) === 1;
  }

  /** A step that has written nothing yet is remembered by an empty piece. */
  checkpoint({ run, step, pieces, streamBytes }: Draft): void {
    for (const { kind, text } of pieces.length > 0 ? pieces : [{ kind: "text", text: "" }])
      this.#q.run(
        `insert into drafts (run, step, kind, text, stream_bytes)
         select id, ?, ?, ?, ? from runs where id = ? and status = 'running'`,
        step,
        kind,
        text,
        streamBytes,
        run,
      );
  }

  /** Closes an active Run and writes its text into its message; null when the Run was closed before. */
  end(run: RunId, ending: Ending): Run | null {
    const { status, finish, stats, slotFreed, parts } = ending;
    const failure = ending.failure && JSON.stringify(ending.failure);
    const row = this.#q.one<RunRow>(
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
    this.#q.run("delete from drafts where run = ?", run);
    this.#q.run(
      "update messages set text = ?, parts = ? where id = ?",
      plainText(parts),
      partsColumn(parts),
      row.message,
    );
    this.#touch(row.conversation);
    return toRun(row);
  }

  /** The Runs that wait or run, in the order of the queue. */
  active(): Run[] {
    return this.#q
      .all<RunRow>("select * from runs where status in ('queued', 'running') order by seq")
      .map(toRun);
  }

  /** The Run that is writing in a conversation now. */
  running(conversation: ConversationId): Run | null {
    const row = this.#q.one<RunRow>(
      "select * from runs where conversation = ? and status = 'running'",
      conversation,
    );
    return row && toRun(row);
  }

  /** The active Runs with what they have written so far. */
  unfinished(messageOf: (id: MessageId) => Message): UnfinishedRun[] {
    return this.active().map((run) => {
      const answer = messageOf(run.message);
      return { question: null, answer, run, draft: this.draft(run.id, answer.parts) };
    });
  }

  /** An answer with what its Run's checkpoints have added to the parts `before`. */
  draft(run: RunId, before: Parts): WrittenSoFar {
    const rows = this.#q.all<DraftRow>(
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
  refuseIfBusy(conversation: ConversationId): void {
    if (
      this.#q.one(
        "select 1 from runs where conversation = ? and status in ('queued', 'running')",
        conversation,
      )
    )
      throw new Failure("conversation_busy");
  }

  #touch(conversation: ConversationId): void {
    this.#q.run("update conversations set updated_at = ? where id = ?", Date.now(), conversation);
  }
}
