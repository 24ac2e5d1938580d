// The Store in SQLite, by bun:sqlite. Synchronous inside, so every method is one transaction by construction.
// Not a place for rules about people or slots: it keeps what chat/ decided. Made by main and by tests.

import { Database } from "bun:sqlite";
import { type Conversation, type ConversationId, type Message, type MessageId, newId, type Role, type Thread } from "../domain/conversation.ts";
import { Failure, type FailureReport } from "../domain/failure.ts";
import type { Run, RunId, RunStats, RunStatus } from "../domain/run.ts";
import { migrate } from "./migrate.ts";
import type { Ending, Said, Say, Store } from "./store.ts";

interface MessageRow {
  id: string;
  conversation: string;
  parent: string | null;
  role: Role;
  text: string;
  reasoning: string;
  created_at: number;
}

interface RunRow {
  id: string;
  conversation: string;
  message: string;
  status: RunStatus;
  created_at: number;
  finish: string | null;
  failure: string | null;
  stats: string;
  slot_freed: number;
}

/** The walk from a leaf to the root, as a table `path(id, parent, depth)`. */
const pathFrom = `
  with recursive path (id, parent, depth) as (
    select id, parent, 0 from messages where id = ?1
    union all
    select m.id, m.parent, path.depth + 1 from messages m join path on m.id = path.parent
  )`;

/** Opens (and migrates) the database at `file`; `:memory:` for one that is gone with the process. */
export function openSqlite(file: string): Store {
  return new SqliteStore(file);
}

class SqliteStore implements Store {
  readonly #db: Database;

  constructor(file: string) {
    this.#db = new Database(file, { create: true, strict: true });
    this.#db.run("pragma journal_mode = wal");
    this.#db.run("pragma synchronous = normal");
    this.#db.run("pragma foreign_keys = on");
    migrate(this.#db);
  }

  async say(say: Say): Promise<Said | null> {
    return this.#transaction(() => {
      if (this.#one("select 1 from messages where id = ?", say.message)) return null;
      const now = Date.now();
      this.#do("insert into conversations (id, created_at) values (?, ?) on conflict do nothing", say.conversation, now);
      this.#refuseIfBusy(say.conversation, say.queueMaxRuns);
      const head = this.#conversation(say.conversation)?.head ?? null;
      const question = this.#addMessage({ id: say.message, conversation: say.conversation, parent: head, role: "user", text: say.text });
      return { question, ...this.#addAttempt(say.conversation, question.id) };
    });
  }

  async retry(retry: { conversation: ConversationId; message: MessageId; queueMaxRuns: number }): Promise<Said> {
    return this.#transaction(() => {
      const previous = this.#message(retry.message);
      const head = this.#conversation(retry.conversation)?.head;
      if (previous === null || previous.id !== head || previous.role !== "assistant" || previous.parent === null) throw new Failure("not_found");
      this.#refuseIfBusy(retry.conversation, retry.queueMaxRuns);
      return { question: null, ...this.#addAttempt(retry.conversation, previous.parent) };
    });
  }

  async start(run: RunId): Promise<boolean> {
    return this.#do("update runs set status = 'running' where id = ? and status = 'queued'", run) === 1;
  }

  async end(run: RunId, ending: Ending): Promise<{ message: Message; run: Run } | null> {
    return this.#transaction(() => {
      const failure = ending.failure && JSON.stringify(ending.failure);
      const closed = this.#do(
        `update runs set status = ?, finish = ?, failure = ?, stats = ?, slot_freed = ? where id = ? and status in ('queued', 'running')`,
        ending.status,
        ending.finish,
        failure,
        JSON.stringify(ending.stats),
        ending.slotFreed ? 1 : 0,
        run,
      );
      if (closed === 0) return null;
      this.#do("update messages set text = ?, reasoning = ? where id = (select message from runs where id = ?)", ending.text, ending.reasoning, run);
      const row = this.#one<RunRow>("select * from runs where id = ?", run) as RunRow;
      return { message: this.#message(row.message) as Message, run: toRun(row) };
    });
  }

  async conversation(id: ConversationId): Promise<Conversation | null> {
    return this.#conversation(id);
  }

  async thread(id: ConversationId): Promise<Thread> {
    const head = this.#conversation(id)?.head;
    if (!head) return [];
    const messages = this.#all<MessageRow>(`${pathFrom} select m.* from path join messages m using (id) order by depth desc`, head);
    const latest = this.#all<RunRow>("select * from runs where conversation = ? order by seq", id);
    const runs = new Map(latest.map((row) => [row.message, toRun(row)]));
    return messages.map((row) => ({ message: toMessage(row), run: runs.get(row.id) ?? null }));
  }

  async history(message: MessageId): Promise<readonly Message[]> {
    return this.#all<MessageRow>(`${pathFrom} select m.* from path join messages m using (id) where depth > 0 order by depth desc`, message).map(toMessage);
  }

  async forget(id: ConversationId): Promise<void> {
    this.#do("delete from conversations where id = ?", id);
  }

  async probe(): Promise<void> {
    this.#transaction(() => this.#do("update conversations set head = head where id = ''"));
  }

  async close(): Promise<void> {
    this.#db.close();
  }

  #conversation(id: ConversationId): Conversation | null {
    const row = this.#one<{ id: string; head: string | null; created_at: number }>("select * from conversations where id = ?", id);
    return row && { id: row.id, head: row.head, createdAt: row.created_at };
  }

  #message(id: MessageId): Message | null {
    const row = this.#one<MessageRow>("select * from messages where id = ?", id);
    return row && toMessage(row);
  }

  #addMessage(made: { id: MessageId; conversation: ConversationId; parent: MessageId | null; role: Role; text: string }): Message {
    const message: Message = { ...made, reasoning: "", createdAt: Date.now() };
    this.#do(
      "insert into messages (id, conversation, parent, role, text, created_at) values (?, ?, ?, ?, ?, ?)",
      message.id,
      message.conversation,
      message.parent,
      message.role,
      message.text,
      message.createdAt,
    );
    return message;
  }

  /** An empty answer below `question`, its queued Run, and the head moved there. */
  #addAttempt(conversation: ConversationId, question: MessageId): { answer: Message; run: Run } {
    const answer = this.#addMessage({ id: newId(), conversation, parent: question, role: "assistant", text: "" });
    const id = newId();
    this.#do(
      `insert into runs (id, seq, conversation, message, status, created_at)
       values (?, (select coalesce(max(seq), 0) + 1 from runs), ?, ?, 'queued', ?)`,
      id,
      conversation,
      answer.id,
      answer.createdAt,
    );
    this.#do("update conversations set head = ? where id = ?", answer.id, conversation);
    return { answer, run: toRun(this.#one<RunRow>("select * from runs where id = ?", id) as RunRow) };
  }

  #refuseIfBusy(conversation: ConversationId, queueMaxRuns: number): void {
    if (this.#one("select 1 from runs where conversation = ? and status in ('queued', 'running')", conversation)) throw new Failure("conversation_busy");
    const { waiting } = this.#one<{ waiting: number }>("select count(*) as waiting from runs where status = 'queued'") ?? { waiting: 0 };
    if (waiting >= queueMaxRuns) throw new Failure("queue_full", { waiting });
  }

  #transaction<T>(work: () => T): T {
    return this.#db.transaction(work).immediate();
  }

  #one<Row>(sql: string, ...values: (string | number | null)[]): Row | null {
    return this.#db.query<Row, (string | number | null)[]>(sql).get(...values);
  }

  #all<Row>(sql: string, ...values: (string | number | null)[]): Row[] {
    return this.#db.query<Row, (string | number | null)[]>(sql).all(...values);
  }

  /** Rows changed. */
  #do(sql: string, ...values: (string | number | null)[]): number {
    return this.#db.query<never, (string | number | null)[]>(sql).run(...values).changes;
  }
}

function toMessage(row: MessageRow): Message {
  const { created_at, ...rest } = row;
  return { ...rest, createdAt: created_at };
}

function toRun(row: RunRow): Run {
  return {
    id: row.id,
    conversation: row.conversation,
    message: row.message,
    status: row.status,
    createdAt: row.created_at,
    finish: row.finish,
    failure: row.failure === null ? null : (JSON.parse(row.failure) as FailureReport),
    stats: JSON.parse(row.stats) as RunStats,
    slotFreed: row.slot_freed === 1,
  };
}
