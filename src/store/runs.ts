// Runs in SQLite: the queue, drafts, ends.

import type { Message } from "../domain/conversation.ts";
import { Failure } from "../domain/failure.ts";
import { type ConversationId, type MessageId, newId, type PersonId, type RunId } from "../domain/id.ts";
import type { Run } from "../domain/run.ts";
import type { Queries } from "./queries.ts";
import { type RunRow, toRun } from "./rows.ts";
import type { Draft, Ending, UnfinishedRun } from "./store.ts";

export class RunTable {
  readonly #q: Queries;

  constructor(queries: Queries) {
    this.#q = queries;
  }

  /** Adds a queued Run of `owner` that writes `answer`. */
  add(answer: Message, owner: PersonId): Run {
    const row = this.#q.one<RunRow>(
      `insert into runs (id, owner, conversation, message, status, created_at)
       values (?, ?, ?, ?, 'queued', ?) returning *`,
      newId(),
      owner,
      answer.conversation,
      answer.id,
      Date.now(),
    );
    return toRun(row as RunRow);
  }

  start(run: RunId): boolean {
    return this.#q.run("update runs set status = 'running' where id = ? and status = 'queued'", run) === 1;
  }

  checkpoint({ run, text, reasoning, streamBytes }: Draft): void {
    this.#q.run(
      `insert into drafts (run, text, reasoning, stream_bytes)
       select id, ?, ?, ? from runs where id = ? and status = 'running'`,
      text,
      reasoning,
      streamBytes,
      run,
    );
  }

  /** Closes an active Run and writes its text into its message; null when the Run was closed before. */
  end(run: RunId, ending: Ending): Run | null {
    const { status, finish, stats, slotFreed, text, reasoning } = ending;
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
    this.#q.run("update messages set text = ?, reasoning = ? where id = ?", text, reasoning, row.message);
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
      const added = this.draft(run.id);
      const draft = {
        draft: answer.text + added.text,
        draftReasoning: answer.reasoning + added.reasoning,
        streamBytes: added.streamBytes,
      };
      return { question: null, answer, run, ...draft };
    });
  }

  /** The text that a Run's checkpoints have added to its message. */
  draft(run: RunId): { text: string; reasoning: string; streamBytes: number } {
    const pieces = this.#q.all<{ text: string; reasoning: string; stream_bytes: number }>(
      "select text, reasoning, stream_bytes from drafts where run = ? order by seq",
      run,
    );
    return {
      text: pieces.map(({ text }) => text).join(""),
      reasoning: pieces.map(({ reasoning }) => reasoning).join(""),
      streamBytes: pieces.at(-1)?.stream_bytes ?? 0,
    };
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
