// Queues Runs: for a new question, for another attempt at an answer, and to go on with one. Few statements on
// purpose: test/store/statements.test.ts counts them.

import { type Message, titleOf } from "../domain/conversation.ts";
import { Failure } from "../domain/failure.ts";
import { newId } from "../domain/id.ts";
import { type FilePart, filesIn, type Parts, textParts } from "../domain/part.ts";
import { noSettings } from "../domain/persona.ts";
import type { Admission } from "./accounts.ts";
import { type Database, one, type Truth, type Work } from "./database.ts";
import type { FileTable } from "./file-table.ts";
import type { ConversationList } from "./list.ts";
import type { RunTable } from "./runs.ts";
import type { NewQuestion, QueuedRun, RunRequest } from "./store.ts";
import type { MessageTree } from "./tree.ts";
import type { UsageTable } from "./usage.ts";

interface RunQueueTables {
  readonly db: Database;
  readonly tree: MessageTree;
  readonly list: ConversationList;
  readonly runs: RunTable;
  readonly usage: UsageTable;
  /** True when `usage` is in another database. */
  readonly isUsageElsewhere: boolean;
  readonly files: FileTable;
}

/**
 * What decides whether a Run may be queued. Everything about the conversation is null or false while it is
 * unknown.
 */
interface QueueState {
  owner: string | null;
  head: string | null;
  is_removed: Truth;
  /** There is a message of the given id, in any conversation, deleted ones included. */
  is_known: Truth;
  /** A Run of the conversation waits or runs. */
  is_busy: Truth;
  /** Runs that wait, in the whole house. */
  waiting: number;
}

// the condition on both states repeats that of the partial index runs_active: without it SQLite reads every
// Run
const queueState = `select c.owner, c.head, c.deleted_at is not null as is_removed,
    exists (select 1 from messages where id = ?2) as is_known,
    exists (select 1 from runs where conversation = ?1 and status in ('queued', 'running')) as is_busy,
    (select count(*) from runs where status in ('queued', 'running') and status = 'queued') as waiting
  from (select ?1 as id) asked left join conversations c on c.id = asked.id`;

/** What a Run is told by the request for it. */
type MadeFor = Pick<RunRequest, "owner" | "withoutDocuments">;

/** A Run to be queued. */
interface Attempt<Found> {
  /** Refuses it, or finds what `add` needs. Null: nothing is to be done. */
  check(): Work<Found | null>;
  add(found: Found): Work<QueuedRun>;
}

export class RunQueue {
  readonly #tables: RunQueueTables;

  constructor(tables: RunQueueTables) {
    this.#tables = tables;
  }

  /** See `Store.say`. */
  say(question: NewQuestion): Promise<QueuedRun | null> {
    return this.#queue(question, {
      check: () => this.#mayAsk(question),
      add: (state) => this.#ask(question, state),
    });
  }

  /** See `Store.retry`. */
  async retry(request: RunRequest): Promise<QueuedRun> {
    const queued = await this.#queue(request, {
      check: () => this.#mayRetry(request),
      add: (question) => this.#addAnswer(question, null, request),
    });
    return queued as QueuedRun;
  }

  /** See `Store.continue`. */
  async continue(request: RunRequest): Promise<QueuedRun> {
    const queued = await this.#queue(request, {
      check: () => this.#mayContinue(request),
      add: (answer) => this.#addRun(answer, null, { owner: request.owner }),
    });
    return queued as QueuedRun;
  }

  async #queue<Found>(admission: Admission, attempt: Attempt<Found>): Promise<QueuedRun | null> {
    const { db, usage, isUsageElsewhere } = this.#tables;
    if (!isUsageElsewhere) return db.write(() => this.#checked(attempt, () => usage.enter(admission)));
    // a transaction can't wait for the other database
    if ((await db.read(attempt.check)) === null) return null;
    await usage.admit(admission);
    return db.write(() => this.#checked(attempt));
  }

  *#checked<Found>(attempt: Attempt<Found>, admit?: () => Work<void>): Work<QueuedRun | null> {
    const found = yield* attempt.check();
    if (found === null) return null;
    if (admit) yield* admit();
    return yield* attempt.add(found);
  }

  *#mayAsk(question: NewQuestion): Work<QueueState | null> {
    const state = yield* this.#state(question);
    if (state.is_known) return null;
    if (state.owner !== null && state.owner !== question.owner) throw new Failure("not_found");
    refuseIfRemoved(state);
    refuseIfFull(state, question);
    return state;
  }

  *#ask(question: NewQuestion, state: QueueState): Work<QueuedRun> {
    const { conversation, owner, message: id, text, edits, settings = noSettings } = question;
    const { tree, list, files } = this.#tables;
    const edited = edits === undefined ? null : yield* tree.messageIn(conversation, edits, "user");
    const parent = edited === null ? state.head : edited.parent;
    const attached = yield* this.#filesFor(question, edited?.parts ?? []);
    const parts = [...attached, ...textParts(text)];
    if (state.owner === null) yield* list.add(conversation, owner, titleOf({ text, parts }), settings);
    if (question.documents) yield* list.setDocuments(conversation, question.documents);
    const asked = yield* tree.add({ id, conversation, parent, role: "user", parts });
    yield* files.attach(id, attached);
    return yield* this.#addAnswer(asked, asked, { owner });
  }

  /** Returns the question that is answered again. */
  *#mayRetry(request: RunRequest): Work<Message> {
    const { tree } = this.#tables;
    const state = yield* this.#state(request);
    const answer = yield* tree.messageIn(request.conversation, request.message, "assistant");
    refuseIfRemoved(state);
    const question = yield* tree.questionAbove(answer);
    refuseIfFull(state, request);
    return question;
  }

  /** Returns the answer that is continued. */
  *#mayContinue(request: RunRequest): Work<Message> {
    const state = yield* this.#state(request);
    const answer = yield* this.#tables.tree.messageIn(request.conversation, request.message, "assistant");
    refuseIfRemoved(state);
    if (answer.text === "" || state.head !== answer.id) throw new Failure("not_found");
    refuseIfFull(state, request);
    return answer;
  }

  /** The files of a question: its own, else those of the question that it is an edit of. */
  *#filesFor({ owner, files }: NewQuestion, edited: Parts): Work<readonly FilePart[]> {
    if (files === undefined) return filesIn(edited);
    const parts: FilePart[] = [];
    for (const id of files) {
      const isOwn = (yield* this.#tables.files.find(id))?.owner === owner;
      const part = isOwn ? yield* this.#tables.files.partOf(id) : null;
      if (part === null) throw new Failure("not_found");
      parts.push(part);
    }
    return parts;
  }

  *#state({ conversation, message }: Pick<RunRequest, "conversation" | "message">): Work<QueueState> {
    return (yield* one<QueueState>(queueState, conversation, message)) as QueueState;
  }

  /** Adds an empty answer below `above`, with a queued Run. */
  *#addAnswer(above: Message, question: Message | null, made: MadeFor): Work<QueuedRun> {
    const { id: parent, conversation } = above;
    const empty = { id: newId(), conversation, parent, role: "assistant", parts: [] } as const;
    return yield* this.#addRun(yield* this.#tables.tree.add(empty), question, made);
  }

  /** Adds a queued Run that writes `answer`, and makes the answer the head. */
  *#addRun(answer: Message, question: Message | null, { owner, withoutDocuments }: MadeFor): Work<QueuedRun> {
    const run = yield* this.#tables.runs.add(answer, owner, withoutDocuments);
    yield* this.#tables.list.advance(answer.conversation, answer.id);
    return { question, answer, run };
  }
}

/** @throws Failure `conversation_removed` */
function refuseIfRemoved({ is_removed }: QueueState): void {
  if (is_removed) throw new Failure("conversation_removed");
}

/** @throws Failure `conversation_busy`, `queue_full` */
function refuseIfFull({ is_busy, waiting }: QueueState, { queueMaxRuns }: Admission): void {
  if (is_busy) throw new Failure("conversation_busy");
  if (waiting >= queueMaxRuns) throw new Failure("queue_full", { waiting });
}
