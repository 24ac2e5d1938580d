// The Store in SQLite, by bun:sqlite. Synchronous inside, so every method is one transaction by construction.
// Not a place for rules about people or slots: it keeps what chat/ decided. Made by main and by tests.

import type { Database } from "bun:sqlite";
import {
  type Conversation,
  type ConversationId,
  type FoundPassage,
  type ListedConversation,
  type ListPlace,
  type Message,
  type MessageId,
  newId,
  type ThreadPage,
  titleFrom,
  type Utterance,
} from "../domain/conversation.ts";
import { Failure } from "../domain/failure.ts";
import { noSettings, type Settings } from "../domain/persona.ts";
import type { ConversationRecord } from "../domain/record.ts";
import type { Run, RunId } from "../domain/run.ts";
import { lockFile, makeFile, openDatabase } from "./file.ts";
import { ConversationList } from "./list.ts";
import { migrate } from "./migrate.ts";
import { Queries } from "./queries.ts";
import { type ConversationRow, toConversation } from "./rows.ts";
import { RunTable } from "./runs.ts";
import type { Ask, Ending, Left, Said, Say, Store } from "./store.ts";
import { TransferTable } from "./transfer.ts";
import { MessageTree } from "./tree.ts";

/**
 * Opens (and makes, and migrates) the database in `file`; `:memory:` for one that is gone with the process.
 * @throws StoreUnusable when it can't be written, is in use, or was made by a newer parlor
 */
export function openSqlite(file: string): Store {
  if (file === ":memory:") return new SqliteStore(file, () => {});
  makeFile(file);
  const lock = lockFile(file);
  try {
    return new SqliteStore(file, () => lock.release());
  } catch (error) {
    lock.release();
    throw error;
  }
}

class SqliteStore implements Store {
  readonly #db: Database;
  readonly #q: Queries;
  readonly #tree: MessageTree;
  readonly #list: ConversationList;
  readonly #transfer: TransferTable;
  readonly #runs: RunTable;
  readonly #onClose: () => void;

  constructor(file: string, onClose: () => void) {
    this.#db = openDatabase(file);
    migrate(this.#db, file);
    this.#q = new Queries(this.#db);
    this.#runs = new RunTable(this.#q);
    this.#tree = new MessageTree(this.#q, this.#runs);
    this.#list = new ConversationList(this.#q);
    this.#transfer = new TransferTable(this.#q, this.#runs);
    this.#onClose = onClose;
  }

  async say(say: Say): Promise<Said | null> {
    return this.#q.transaction(() => {
      if (this.#q.one("select 1 from messages where id = ?", say.message)) return null;
      this.#list.make(say.conversation, titleFrom(say.text), say.settings ?? noSettings);
      this.#tree.refuseRemoved(say.conversation);
      this.#runs.refuseIfBusy(say.conversation);
      this.#runs.refuseIfFull(say.queueMaxRuns);
      const parent =
        say.edits === undefined ? (this.#conversation(say.conversation)?.head ?? null) : this.#tree.messageOf(say.conversation, say.edits, "user").parent;
      const question = this.#tree.add({ id: say.message, conversation: say.conversation, parent, role: "user", text: say.text });
      return { question, ...this.#addAttempt(question) };
    });
  }

  async retry(ask: Ask): Promise<Said> {
    return this.#q.transaction(() => {
      const question = this.#tree.questionAbove(this.#tree.messageOf(ask.conversation, ask.message, "assistant"));
      this.#runs.refuseIfBusy(ask.conversation);
      this.#runs.refuseIfFull(ask.queueMaxRuns);
      return { question: null, ...this.#addAttempt(question) };
    });
  }

  async continue(ask: Ask): Promise<Said> {
    return this.#q.transaction(() => {
      const answer = this.#tree.messageOf(ask.conversation, ask.message, "assistant");
      if (answer.text === "" || this.#conversation(ask.conversation)?.head !== answer.id) throw new Failure("not_found");
      this.#runs.refuseIfBusy(ask.conversation);
      this.#runs.refuseIfFull(ask.queueMaxRuns);
      return { question: null, answer, run: this.#runs.add(answer) };
    });
  }

  async start(run: RunId): Promise<boolean> {
    return this.#runs.start(run);
  }

  async checkpoint(run: RunId, text: string, reasoning: string): Promise<void> {
    this.#runs.checkpoint(run, text, reasoning);
  }

  async end(run: RunId, ending: Ending): Promise<(Utterance & { run: Run }) | null> {
    return this.#q.transaction(() => {
      const ended = this.#runs.end(run, ending);
      if (ended === null) return null;
      const [utterance] = this.#tree.page(ended.message, 1).thread;
      return { ...(utterance as Utterance), run: ended };
    });
  }

  async left(): Promise<readonly Left[]> {
    return this.#runs.left((id) => this.#tree.message(id) as Message);
  }

  async conversation(id: ConversationId): Promise<Conversation | null> {
    return this.#conversation(id);
  }

  async message(conversation: ConversationId, id: MessageId): Promise<Message | null> {
    const found = this.#tree.message(id);
    return found?.conversation === conversation && this.#conversation(conversation) ? found : null;
  }

  async thread(id: ConversationId, { limit, before, through }: { limit: number; before?: MessageId; through?: MessageId }): Promise<ThreadPage> {
    const conversation = this.#conversation(id);
    const last = before === undefined ? conversation?.head : this.#tree.messageOf(id, before).parent;
    return {
      title: conversation?.title ?? "",
      settings: conversation?.settings ?? noSettings,
      ...(last ? this.#tree.page(last, Math.max(limit, through ? this.#tree.stepsBetween(last, through) : 0)) : { thread: [], hasEarlier: false }),
    };
  }

  async history(message: MessageId): Promise<readonly Message[]> {
    return this.#tree.history(message);
  }

  async select(conversation: ConversationId, message: MessageId): Promise<void> {
    this.#q.transaction(() => {
      this.#tree.messageOf(conversation, message);
      this.#runs.refuseIfBusy(conversation);
      this.#tree.show(conversation, this.#tree.leafBelow(message));
    });
  }

  async prune(conversation: ConversationId, message: MessageId): Promise<void> {
    this.#q.transaction(() => {
      const found = this.#tree.messageOf(conversation, message);
      this.#runs.refuseIfBusy(conversation);
      const head = this.#conversation(conversation)?.head;
      const isShown = head === message || (head && this.#tree.history(head).some(({ id }) => id === message));
      if (isShown) this.#tree.show(conversation, this.#tree.headWithout(found));
      this.#tree.delete(message);
    });
  }

  async list(page: { limit: number; after?: ListPlace }): Promise<readonly ListedConversation[]> {
    return this.#list.page(page);
  }

  async listed(id: ConversationId): Promise<ListedConversation | null> {
    return this.#list.entry(id);
  }

  async rename(id: ConversationId, title: string): Promise<void> {
    this.#list.rename(id, title);
  }

  async entitle(id: ConversationId, title: string): Promise<void> {
    this.#list.entitle(id, title);
  }

  async settle(id: ConversationId, settings: Settings): Promise<void> {
    this.#list.settle(id, settings);
  }

  async pin(id: ConversationId, pinned: boolean): Promise<void> {
    this.#list.pin(id, pinned);
  }

  async remove(id: ConversationId): Promise<void> {
    this.#q.transaction(() => {
      this.#runs.refuseIfBusy(id);
      this.#list.remove(id);
    });
  }

  async restore(id: ConversationId): Promise<void> {
    this.#list.restore(id);
  }

  async purge(time: number): Promise<void> {
    await Promise.all(this.#list.removedBefore(time).map((id) => this.forget(id)));
  }

  async forget(id: ConversationId): Promise<void> {
    this.#q.transaction(() => {
      this.#tree.clear(id);
      this.#list.delete(id);
    });
  }

  async search(query: string, limit: number): Promise<readonly FoundPassage[]> {
    return this.#list.search(query, limit);
  }

  async ids(idleSince?: number): Promise<readonly ConversationId[]> {
    return this.#transfer.ids(idleSince);
  }

  async record(id: ConversationId): Promise<ConversationRecord | null> {
    return this.#transfer.record(id);
  }

  async add(record: ConversationRecord): Promise<boolean> {
    if (this.#list.isRemoved(record.id)) await this.forget(record.id);
    return this.#q.transaction(() => this.#transfer.add(record));
  }

  async probe(): Promise<void> {
    this.#q.transaction(() => this.#list.probe());
  }

  async close(): Promise<void> {
    this.#q.close();
    this.#db.close();
    this.#onClose();
  }

  #conversation(id: ConversationId): Conversation | null {
    const row = this.#q.one<ConversationRow>("select * from conversations where id = ? and deleted_at is null", id);
    return row && toConversation(row);
  }

  /** An empty answer below `question`, its queued Run, and the head moved there. */
  #addAttempt(question: Message): { answer: Message; run: Run } {
    const answer = this.#tree.add({ id: newId(), conversation: question.conversation, parent: question.id, role: "assistant", text: "" });
    this.#tree.show(answer.conversation, answer.id);
    return { answer, run: this.#runs.add(answer) };
  }
}
