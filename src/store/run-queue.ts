// Queues Runs in SQLite: for a new question, for another attempt at an answer, and to go on with one. Each
// method is to be called within a transaction. Few statements on purpose: test/store/statements.test.ts
// counts them.

import { type Message, titleOf } from "../domain/conversation.ts";
import { Failure } from "../domain/failure.ts";
import { type ConversationId, type MessageId, newId, type PersonId } from "../domain/id.ts";
import { type FilePart, filesIn, type Parts, textParts } from "../domain/part.ts";
import { noSettings } from "../domain/persona.ts";
import type { Run } from "../domain/run.ts";
import type { Admission } from "./accounts.ts";
import type { FileTable } from "./file-table.ts";
import type { ConversationList } from "./list.ts";
import type { Queries } from "./queries.ts";
import type { RunTable } from "./runs.ts";
import type { NewQuestion, QueuedRun, RunRequest } from "./store.ts";
import type { MessageTree } from "./tree.ts";
import type { UsageTable } from "./usage.ts";

interface RunQueueTables {
  readonly queries: Queries;
  readonly tree: MessageTree;
  readonly list: ConversationList;
  readonly runs: RunTable;
  readonly usage: UsageTable;
  readonly files: FileTable;
}

/**
 * What decides whether a Run may be queued. Everything about the conversation is null or 0 while it is
 * unknown.
 */
interface QueueState {
  owner: string | null;
  head: string | null;
  isRemoved: number;
  /** There is a message of the given id, in any conversation, deleted ones included. */
  isKnown: number;
  /** A Run of the conversation waits or runs. */
  isBusy: number;
  /** Runs that wait, in the whole house. */
  waiting: number;
}

// the condition on both states repeats that of the partial index runs_active: without it SQLite reads every
// Run
const queueState = `select c.owner, c.head, c.deleted_at is not null as isRemoved,
    exists (select 1 from messages where id = ?2) as isKnown,
    exists (select 1 from runs where conversation = ?1 and status in ('queued', 'running')) as isBusy,
    (select count(*) from runs where status in ('queued', 'running') and status = 'queued') as waiting
  from (select ?1 as id) asked left join conversations c on c.id = asked.id`;

export class RunQueue {
  readonly #tables: RunQueueTables;

  constructor(tables: RunQueueTables) {
    this.#tables = tables;
  }

  /** See `Store.say`. */
  say(question: NewQuestion): QueuedRun | null {
    const { conversation, owner, message, text, edits, settings = noSettings } = question;
    const { tree, list } = this.#tables;
    const state = this.#state(conversation, message);
    if (state.isKnown === 1) return null;
    if (state.owner !== null && state.owner !== owner) throw new Failure("not_found");
    refuseRemoved(state);
    this.#admit(state, question);
    const edited = edits === undefined ? null : tree.messageIn(conversation, edits, "user");
    const parent = edited === null ? state.head : edited.parent;
    const attached = this.#filesFor(question, edited?.parts ?? []);
    const parts = [...attached, ...textParts(text)];
    if (state.owner === null) list.add(conversation, owner, titleOf({ text, parts }), settings);
    if (question.documents) list.setDocuments(conversation, question.documents);
    const asked = tree.add({ id: message, conversation, parent, role: "user", parts });
    this.#tables.files.attach(message, attached);
    return { question: asked, ...this.#addAttempt(asked, owner) };
  }

  /** See `Store.retry`. */
  retry({ conversation, message, withoutDocuments, ...admission }: RunRequest): QueuedRun {
    const { tree } = this.#tables;
    const state = this.#state(conversation, message);
    const answer = tree.messageIn(conversation, message, "assistant");
    refuseRemoved(state);
    const question = tree.questionAbove(answer);
    this.#admit(state, admission);
    return { question: null, ...this.#addAttempt(question, admission.owner, withoutDocuments) };
  }

  /** See `Store.continue`. */
  continue({ conversation, message, ...admission }: RunRequest): QueuedRun {
    const state = this.#state(conversation, message);
    const answer = this.#tables.tree.messageIn(conversation, message, "assistant");
    refuseRemoved(state);
    if (answer.text === "" || state.head !== answer.id) throw new Failure("not_found");
    this.#admit(state, admission);
    return { question: null, answer, run: this.#addRun(answer, admission.owner) };
  }

  /** The files of a question: its own, else those of the question that it is an edit of. */
  #filesFor({ owner, files }: NewQuestion, edited: Parts): readonly FilePart[] {
    if (files === undefined) return filesIn(edited);
    return files.map((id) => {
      const part = this.#tables.files.find(id)?.owner === owner ? this.#tables.files.partOf(id) : null;
      if (part === null) throw new Failure("not_found");
      return part;
    });
  }

  #state(conversation: ConversationId, message: MessageId): QueueState {
    return this.#tables.queries.one<QueueState>(queueState, conversation, message) as QueueState;
  }

  /** @throws Failure `conversation_busy`, `queue_full`, `too_many_waiting`, `tokens_limit`, `runs_limit` */
  #admit({ isBusy, waiting }: QueueState, admission: Admission): void {
    if (isBusy === 1) throw new Failure("conversation_busy");
    if (waiting >= admission.queueMaxRuns) throw new Failure("queue_full", { waiting });
    this.#tables.usage.enter(admission);
  }

  /** Adds an empty answer below `question`, with a queued Run of `owner`. */
  #addAttempt(question: Message, owner: PersonId, withoutDocuments?: true): { answer: Message; run: Run } {
    const { id: parent, conversation } = question;
    const answer = this.#tables.tree.add({ id: newId(), conversation, parent, role: "assistant", parts: [] });
    return { answer, run: this.#addRun(answer, owner, withoutDocuments) };
  }

  /** Adds a queued Run that writes `answer`, and makes the answer the head. */
  #addRun(answer: Message, owner: PersonId, withoutDocuments?: true): Run {
    const run = this.#tables.runs.add(answer, owner, withoutDocuments);
    this.#tables.list.advance(answer.conversation, answer.id);
    return run;
  }
}

/** @throws Failure `conversation_removed` */
function refuseRemoved({ isRemoved }: QueueState): void {
  if (isRemoved === 1) throw new Failure("conversation_removed");
}
