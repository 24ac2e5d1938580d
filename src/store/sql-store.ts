// The Store over one database. Every method is one transaction, unless it says otherwise.

import type { Conversation, FoundPassage, ListedConversation, Message } from "../domain/conversation.ts";
import type { ConversationId, MessageId, PersonId, RunId } from "../domain/id.ts";
import { noSettings, type Settings } from "../domain/persona.ts";
import type { ConversationHeader, ConversationRecord } from "../domain/record.ts";
import type { Run, RunStats, WhichRuns } from "../domain/run.ts";
import type { ThreadPage, Utterance } from "../domain/thread.ts";
import type { Database, Work } from "./database.ts";
import { hasPruned, purgeMessages } from "./deletion.ts";
import { ConversationList } from "./list.ts";
import type { ConversationFilter, ListRange, ThreadRange } from "./ranges.ts";
import { RunQueue } from "./run-queue.ts";
import { RunTable } from "./runs.ts";
import { search } from "./search.ts";
import type {
  ActiveRun,
  ConversationImport,
  Draft,
  Ending,
  NewQuestion,
  QueuedRun,
  RunRequest,
  Store,
  UnfinishedRun,
} from "./store.ts";
import { Tables } from "./tables.ts";
import { TransferTable } from "./transfer.ts";
import { MessageTree } from "./tree.ts";

export class SqlStore extends Tables implements Store {
  readonly #db: Database;
  readonly #tree: MessageTree;
  readonly #list: ConversationList;
  readonly #transfer: TransferTable;
  readonly #runs: RunTable;
  readonly #runQueue: RunQueue;
  readonly #isUsageElsewhere: boolean;

  /** Links, usage, settings, audit log and retention are those of the store `beside`, where there is one. */
  constructor(db: Database, beside?: SqlStore) {
    const list = new ConversationList();
    super(db, list, beside);
    this.#db = db;
    this.#list = list;
    this.#runs = new RunTable();
    this.#tree = new MessageTree(db, this.#runs);
    const { files, usage } = this;
    this.#transfer = new TransferTable(db, { runs: this.#runs, files }, this.clear);
    this.#isUsageElsewhere = beside !== undefined;
    const tables = { tree: this.#tree, list, runs: this.#runs, files, usage };
    this.#runQueue = new RunQueue({ db, ...tables, isUsageElsewhere: this.#isUsageElsewhere });
  }

  say(question: NewQuestion): Promise<QueuedRun | null> {
    return this.#runQueue.say(question);
  }

  retry(request: RunRequest): Promise<QueuedRun> {
    return this.#runQueue.retry(request);
  }

  continue(request: RunRequest): Promise<QueuedRun> {
    return this.#runQueue.continue(request);
  }

  start(run: RunId): Promise<boolean> {
    return this.#db.write(() => this.#runs.start(run));
  }

  checkpoint(drafts: readonly Draft[]): Promise<void> {
    return this.#db.write(() => this.#runs.checkpoint(drafts, this.#db));
  }

  async end(run: RunId, ending: Ending): Promise<(Utterance & { run: Run }) | null> {
    if (this.#isUsageElsewhere) {
      const owner = await this.#db.read(() => this.#runs.activeOwner(run));
      // before the end, which is tried again when this can't be written
      if (owner !== null) await this.usage.spend(owner, ending.tokens);
    }
    return this.#db.write(() => this.#end(run, ending));
  }

  keepOpinion(run: RunId, bySense: NonNullable<RunStats["bySense"]>): Promise<void> {
    return this.#db.write(() => this.#runs.keepOpinion(run, bySense));
  }

  unfinishedRuns(only?: RunId): Promise<readonly UnfinishedRun[]> {
    return this.#db.read(() => this.#runs.unfinished((id) => this.#tree.message(id), only));
  }

  activeRuns(conversation?: ConversationId): Promise<readonly ActiveRun[]> {
    return this.#db.read(() => this.#runs.activeInShort(conversation));
  }

  wishStop(which: WhichRuns): Promise<number> {
    return this.#db.write(() => this.#runs.wishStop(which));
  }

  conversation(id: ConversationId): Promise<Conversation | null> {
    return this.#db.read(() => this.#list.conversation(id));
  }

  ownerOf(id: ConversationId): Promise<PersonId | null> {
    return this.#db.read(() => this.#list.ownerOf(id));
  }

  message(conversation: ConversationId, id: MessageId): Promise<Message | null> {
    return this.#db.read(() => this.#message(conversation, id));
  }

  thread(id: ConversationId, range: ThreadRange): Promise<ThreadPage> {
    return this.#db.read(() => this.#thread(id, range));
  }

  history(message: MessageId): Promise<readonly Message[]> {
    return this.#db.read(() => this.#tree.history(message));
  }

  select(conversation: ConversationId, message: MessageId): Promise<void> {
    return this.#db.write(() => this.#tree.select(conversation, message));
  }

  prune(conversation: ConversationId, message: MessageId): Promise<void> {
    return this.#db.write(() => this.#prune(conversation, message));
  }

  unprune(conversation: ConversationId, message: MessageId): Promise<void> {
    return this.#db.write(() => this.#tree.unprune(conversation, message));
  }

  list(range: ListRange): Promise<readonly ListedConversation[]> {
    return this.#db.read(() => this.#list.page(range));
  }

  listed(id: ConversationId): Promise<ListedConversation | null> {
    return this.#db.read(() => this.#list.entry(id));
  }

  rename(id: ConversationId, title: string): Promise<void> {
    return this.#db.write(() => this.#list.rename(id, title));
  }

  setGeneratedTitle(id: ConversationId, title: string): Promise<void> {
    return this.#db.write(() => this.#list.setGeneratedTitle(id, title));
  }

  setSettings(id: ConversationId, settings: Settings): Promise<void> {
    return this.#db.write(() => this.#list.setSettings(id, settings));
  }

  pin(id: ConversationId, pinned: boolean): Promise<void> {
    return this.#db.write(() => this.#list.pin(id, pinned));
  }

  remove(id: ConversationId): Promise<void> {
    return this.#db.write(() => this.#remove(id));
  }

  restore(id: ConversationId): Promise<void> {
    return this.#db.write(() => this.#list.restore(id));
  }

  async purge(time: number): Promise<void> {
    for (const id of await this.#db.read(() => this.#list.removedBefore(time))) await this.forget(id);
    if (await this.#db.read(() => hasPruned(time))) await this.#db.write(() => this.#purgeMessages(time));
  }

  forget(id: ConversationId): Promise<void> {
    return this.#db.write(() => this.clear(id));
  }

  search(owner: PersonId, query: string, limit: number): Promise<readonly FoundPassage[]> {
    return this.#db.read(() => search(this.#db.conversationIndex, owner, query, limit));
  }

  ids(which: ConversationFilter = {}): Promise<readonly ConversationId[]> {
    return this.#db.read(() => this.#transfer.ids(which));
  }

  record(id: ConversationId): Promise<ConversationRecord | null> {
    return this.#db.read(() => this.#transfer.record(id));
  }

  add(owner: PersonId, record: ConversationRecord): Promise<boolean> {
    return this.#transfer.addAll(owner, record);
  }

  beginImport(owner: PersonId, conversation: ConversationHeader): Promise<ConversationImport | null> {
    return this.#transfer.beginImport(owner, conversation);
  }

  probe(): Promise<void> {
    return this.#db.write(() => this.#list.probe());
  }

  close(): Promise<void> {
    return this.#db.close();
  }

  *#end(run: RunId, ending: Ending): Work<(Utterance & { run: Run }) | null> {
    const ended = yield* this.#runs.end(run, ending);
    if (ended === null) return null;
    if (!this.#isUsageElsewhere) yield* this.usage.use(ended.owner, ending.tokens);
    const { thread } = yield* this.#tree.page(ended.message, 1);
    return { ...(thread[0] as Utterance), run: ended };
  }

  *#message(conversation: ConversationId, id: MessageId): Work<Message | null> {
    const found = yield* this.#tree.message(id);
    const isIn = found?.conversation === conversation && (yield* this.#list.conversation(conversation));
    return isIn ? found : null;
  }

  *#thread(id: ConversationId, { limit, before, through }: ThreadRange): Work<ThreadPage> {
    const conversation = yield* this.#list.conversation(id);
    const { title, settings, head } = conversation ?? { title: "", settings: noSettings, head: null };
    const last = before === undefined ? head : (yield* this.#tree.messageOf(id, before)).parent;
    return { title, settings, ...(yield* this.#tree.pageFrom(last, limit, through)) };
  }

  *#prune(conversation: ConversationId, message: MessageId): Work<void> {
    const head = (yield* this.#list.conversation(conversation))?.head ?? null;
    yield* this.#tree.prune(conversation, message, head);
  }

  *#remove(id: ConversationId): Work<void> {
    yield* this.#runs.refuseIfBusy(id);
    yield* this.#list.remove(id);
  }

  *#purgeMessages(time: number): Work<void> {
    yield* purgeMessages(time);
    yield* this.#db.forgetting.begin("texts");
  }
}
