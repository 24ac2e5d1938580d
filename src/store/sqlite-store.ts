// The Store over one SQLite database. bun:sqlite is synchronous, so every method is one transaction.

import type { Database } from "bun:sqlite";
import type { Conversation, FoundPassage, ListedConversation, Message } from "../domain/conversation.ts";
import type { ConversationId, MessageId, PersonId, RunId } from "../domain/id.ts";
import { noSettings, type Settings } from "../domain/persona.ts";
import type { ConversationHeader, ConversationRecord } from "../domain/record.ts";
import type { Run } from "../domain/run.ts";
import type { ThreadPage, Utterance } from "../domain/thread.ts";
import type { ChangeListener } from "./database.ts";
import { purgeMessages } from "./deletion.ts";
import { type FileLock, openDatabase } from "./file.ts";
import { ConversationList } from "./list.ts";
import { migrate } from "./migrate.ts";
import { Queries } from "./queries.ts";
import { RunQueue } from "./run-queue.ts";
import { RunTable } from "./runs.ts";
import type {
  ConversationFilter,
  ConversationImport,
  Draft,
  Ending,
  ListRange,
  NewQuestion,
  QueuedRun,
  RunRequest,
  Store,
  ThreadRange,
  UnfinishedRun,
} from "./store.ts";
import { Tables } from "./tables.ts";
import { TransferTable } from "./transfer.ts";
import { MessageTree } from "./tree.ts";

export class SqliteStore extends Tables implements Store {
  readonly #db: Database;
  readonly #q: Queries;
  readonly #tree: MessageTree;
  readonly #list: ConversationList;
  readonly #transfer: TransferTable;
  readonly #runs: RunTable;
  readonly #runQueue: RunQueue;
  /** Null when other processes may write to the file too. */
  readonly #lock: FileLock | null;

  /** Links, usage, settings, audit log and retention are those of the store `beside`, where there is one. */
  constructor(file: string, lock: FileLock | null, listener: ChangeListener, beside?: SqliteStore) {
    const db = openDatabase(file);
    migrate(db, file);
    const queries = new Queries(db, listener);
    if (lock) queries.now(queries.forgetting.resume());
    const { changes } = queries;
    const list = new ConversationList(queries);
    super(queries, changes, list, beside);
    this.#db = db;
    this.#q = queries;
    this.#list = list;
    this.#runs = new RunTable(queries);
    this.#tree = new MessageTree(queries, this.#runs);
    this.#transfer = new TransferTable(queries, { runs: this.#runs, files: this.files }, this.clear);
    const tables = { queries, tree: this.#tree, list, runs: this.#runs };
    this.#runQueue = new RunQueue({ ...tables, files: this.files, usage: this.usage });
    this.#lock = lock;
  }

  async say(say: NewQuestion): Promise<QueuedRun | null> {
    return this.#q.transaction(() => this.#runQueue.say(say));
  }

  async retry(ask: RunRequest): Promise<QueuedRun> {
    return this.#q.transaction(() => this.#runQueue.retry(ask));
  }

  async continue(ask: RunRequest): Promise<QueuedRun> {
    return this.#q.transaction(() => this.#runQueue.continue(ask));
  }

  async start(run: RunId): Promise<boolean> {
    return this.#runs.start(run);
  }

  async checkpoint(drafts: readonly Draft[]): Promise<void> {
    this.#q.transaction(() => drafts.forEach((draft) => void this.#runs.checkpoint(draft)));
  }

  async end(run: RunId, ending: Ending): Promise<(Utterance & { run: Run }) | null> {
    return this.#q.transaction(() => {
      const ended = this.#runs.end(run, ending);
      if (ended === null) return null;
      this.usage.use(ended.owner, ending.tokens);
      return { ...(this.#tree.page(ended.message, 1).thread[0] as Utterance), run: ended };
    });
  }

  async unfinishedRuns(): Promise<readonly UnfinishedRun[]> {
    return this.#runs.unfinished((id) => this.#tree.message(id) as Message);
  }

  async conversation(id: ConversationId): Promise<Conversation | null> {
    return this.#list.conversation(id);
  }

  async ownerOf(id: ConversationId): Promise<PersonId | null> {
    return this.#list.ownerOf(id);
  }

  async message(conversation: ConversationId, id: MessageId): Promise<Message | null> {
    const found = this.#tree.message(id);
    return found?.conversation === conversation && this.#list.conversation(conversation) ? found : null;
  }

  async thread(id: ConversationId, { limit, before, through }: ThreadRange): Promise<ThreadPage> {
    const conversation = this.#list.conversation(id);
    const { title, settings, head } = conversation ?? { title: "", settings: noSettings, head: null };
    const last = before === undefined ? head : this.#tree.messageOf(id, before).parent;
    return { title, settings, ...this.#tree.pageFrom(last, limit, through) };
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
    const headOf = () => this.#list.conversation(conversation)?.head ?? null;
    this.#q.transaction(() => this.#tree.prune(conversation, message, headOf()));
  }

  async unprune(conversation: ConversationId, message: MessageId): Promise<void> {
    this.#q.transaction(() => this.#tree.unprune(conversation, message));
  }

  async list(range: ListRange): Promise<readonly ListedConversation[]> {
    return this.#list.page(range);
  }

  async listed(id: ConversationId): Promise<ListedConversation | null> {
    return this.#list.entry(id);
  }

  async rename(id: ConversationId, title: string): Promise<void> {
    this.#list.rename(id, title);
  }

  async setGeneratedTitle(id: ConversationId, title: string): Promise<void> {
    this.#list.setGeneratedTitle(id, title);
  }

  async setSettings(id: ConversationId, settings: Settings): Promise<void> {
    this.#list.setSettings(id, settings);
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
    for (const id of this.#list.removedBefore(time)) await this.forget(id);
    purgeMessages(this.#q, time);
  }

  async forget(id: ConversationId): Promise<void> {
    this.#q.transaction(() => this.clear(id));
  }

  async search(owner: PersonId, query: string, limit: number): Promise<readonly FoundPassage[]> {
    return this.#list.search(owner, query, limit);
  }

  async ids(which: ConversationFilter = {}): Promise<readonly ConversationId[]> {
    return this.#transfer.ids(which);
  }

  async record(id: ConversationId): Promise<ConversationRecord | null> {
    return this.#transfer.record(id);
  }

  async add(owner: PersonId, record: ConversationRecord): Promise<boolean> {
    return this.#transfer.addAll(owner, record);
  }

  async beginImport(owner: PersonId, conversation: ConversationHeader): Promise<ConversationImport | null> {
    return this.#transfer.beginImport(owner, conversation);
  }

  async probe(): Promise<void> {
    this.#q.transaction(() => this.#list.probe());
  }

  async close(): Promise<void> {
    this.#q.close(this.#lock !== null);
    this.#db.close();
    this.#lock?.release();
  }
}
