// What queues a Run in SQLite: a question, another attempt, going on. Each within the transaction of its
// caller.

import { type Message, titleFrom } from "../domain/conversation.ts";
import { Failure } from "../domain/failure.ts";
import { type ConversationId, newId, type PersonId } from "../domain/id.ts";
import { noSettings } from "../domain/persona.ts";
import type { Run } from "../domain/run.ts";
import type { Admission } from "./accounts.ts";
import type { ConversationList } from "./list.ts";
import type { RunTable } from "./runs.ts";
import type { NewQuestion, QueuedRun, RunRequest } from "./store.ts";
import type { MessageTree } from "./tree.ts";
import type { UsageTable } from "./usage.ts";

interface RunQueueTables {
  readonly tree: MessageTree;
  readonly list: ConversationList;
  readonly runs: RunTable;
  readonly usage: UsageTable;
}

export class RunQueue {
  readonly #parts: RunQueueTables;

  constructor(parts: RunQueueTables) {
    this.#parts = parts;
  }

  /** See `Store.say`. */
  say(say: NewQuestion): QueuedRun | null {
    const { tree, list } = this.#parts;
    if (tree.isKnown(say.message)) return null;
    list.make(say.conversation, say.owner, titleFrom(say.text), say.settings ?? noSettings);
    tree.refuseRemoved(say.conversation);
    this.#admit(say.conversation, say);
    const parent =
      say.edits === undefined
        ? list.headOf(say.conversation)
        : tree.messageOf(say.conversation, say.edits, "user").parent;
    const question = tree.add({
      id: say.message,
      conversation: say.conversation,
      parent,
      role: "user",
      text: say.text,
    });
    return { question, ...this.#addAttempt(question, say.owner) };
  }

  /** See `Store.retry`. */
  retry(ask: RunRequest): QueuedRun {
    const { tree } = this.#parts;
    const question = tree.questionAbove(tree.messageOf(ask.conversation, ask.message, "assistant"));
    this.#admit(ask.conversation, ask);
    return { question: null, ...this.#addAttempt(question, ask.owner) };
  }

  /** See `Store.continue`. */
  continue(ask: RunRequest): QueuedRun {
    const { tree, list, runs } = this.#parts;
    const answer = tree.messageOf(ask.conversation, ask.message, "assistant");
    if (answer.text === "" || list.headOf(ask.conversation) !== answer.id) throw new Failure("not_found");
    this.#admit(ask.conversation, ask);
    return { question: null, answer, run: runs.add(answer, ask.owner) };
  }

  /** @throws Failure as `Store.say` */
  #admit(conversation: ConversationId, admission: Admission): void {
    const { runs, usage } = this.#parts;
    runs.refuseIfBusy(conversation);
    runs.refuseIfFull(admission.queueMaxRuns);
    usage.enter(admission);
  }

  /** An empty answer below `question`, its queued Run of `owner`, and the head moved there. */
  #addAttempt(question: Message, owner: PersonId): { answer: Message; run: Run } {
    const { tree, runs } = this.#parts;
    const answer = tree.add({
      id: newId(),
      conversation: question.conversation,
      parent: question.id,
      role: "assistant",
      text: "",
    });
    tree.show(answer.conversation, answer.id);
    return { answer, run: runs.add(answer, owner) };
  }
}
