// Contract of the durable truth. Asynchronous, so that a database across the network fits;
// each method is one transaction. The queue is the table of Runs: nothing else remembers who waits.
// Implemented by store/sqlite; every implementation passes test/contract/store.ts.

import type {
  Conversation,
  FoundPassage,
  ListedConversation,
  ListPlace,
  Message,
} from "../domain/conversation.ts";
import type { FailureReport } from "../domain/failure.ts";
import type { ConversationId, MessageId, PersonId, RunId } from "../domain/id.ts";
import type { Settings } from "../domain/persona.ts";
import type { ConversationHeader, ConversationRecord, MessageRecord } from "../domain/record.ts";
import type { Run, RunStats, RunStatus } from "../domain/run.ts";
import type { ThreadPage, Utterance } from "../domain/thread.ts";
import type {
  Admission,
  AuditLog,
  HouseSettings,
  Keys,
  Links,
  People,
  Retention,
  Sessions,
  UsageLedger,
} from "./accounts.ts";

/** A question to be stored with the Run that will answer it. */
export interface NewQuestion extends Admission {
  readonly conversation: ConversationId;
  /** Made by the server for the form, sent back by the browser: the key that makes a resend harmless. */
  readonly message: MessageId;
  readonly text: string;
  /** The earlier question that this one is an edit of: they become siblings. */
  readonly edits?: MessageId;
  /** Of the conversation, if this makes it. */
  readonly settings?: Settings;
}

/** A wish for another Run about a message that is there. */
export interface RunRequest extends Admission {
  readonly conversation: ConversationId;
  readonly message: MessageId;
}

/** What was stored. */
export interface QueuedRun {
  /** The new question; null when there is none. */
  readonly question: Message | null;
  /** The answer to be written; its text is what is there already. */
  readonly answer: Message;
  readonly run: Run;
}

/** A conversation from a file on its way in. */
export interface ConversationImport {
  /** As it is called here. */
  readonly id: ConversationId;
  /** In a transaction of their own; parents come before their children. */
  add(messages: readonly MessageRecord[]): Promise<void>;
  /** Shows it. */
  end(): Promise<void>;
}

/** How a Run ended. */
export interface Ending {
  readonly status: Exclude<RunStatus, "queued" | "running">;
  readonly text: string;
  readonly reasoning: string;
  readonly finish: string | null;
  readonly failure: FailureReport | null;
  readonly stats: RunStats;
  /** What it has used: tokens read anew and written; about, where llama-server did not come to say it. */
  readonly tokens: number;
  readonly slotFreed: boolean;
}

/** What a Run has written since the checkpoint before. */
export interface Draft {
  readonly run: RunId;
  readonly text: string;
  readonly reasoning: string;
  /** The bytes of llama-server's stream, from its beginning, in which all of the Run's text so far stands. */
  readonly streamBytes: number;
}

/** A Run that was waiting or running when the process before this one ended. */
export interface UnfinishedRun extends QueuedRun {
  /** The answer's text as it was at the last checkpoint, with what was there before the Run. */
  readonly draft: string;
  readonly draftReasoning: string;
  /** See `Draft`; 0 when there was no checkpoint. */
  readonly streamBytes: number;
}

/** The conversations of one person, of all, or those in which nothing was said since `idleSince` (milliseconds since 1970). */
export interface ConversationFilter {
  readonly owner?: PersonId;
  readonly idleSince?: number;
}

/** A page of a person's list of conversations. */
export interface ListRange {
  readonly owner: PersonId;
  /** Entries at most. */
  readonly limit: number;
  /** The last entry of the page before, as it was shown there. */
  readonly after?: ListPlace;
}

/** The last `limit` messages of a path; more where they are needed to reach back to `through`. */
export interface ThreadRange {
  readonly limit: number;
  /** The path to this message, which is excluded; absent: the path to the head. */
  readonly before?: MessageId;
  readonly through?: MessageId;
}

export interface Store {
  readonly people: People;
  readonly sessions: Sessions;
  readonly keys: Keys;
  readonly links: Links;
  readonly usage: UsageLedger;
  readonly settings: HouseSettings;
  readonly audit: AuditLog;
  readonly retention: Retention;

  /**
   * Stores the question, its (empty) answer and a queued Run; makes the conversation, as its owner's, if it is the first.
   * Returns null, and changes nothing, when this message id is known already.
   * @throws Failure `not_found` (an edit of nothing, a conversation of somebody else), `conversation_removed`, `conversation_busy`,
   *   `queue_full`, `too_many_waiting`, `runs_limit`, `tokens_limit`
   */
  say(say: NewQuestion): Promise<QueuedRun | null>;

  /**
   * Queues another attempt at the answer `message`: a sibling beside it, which becomes the head.
   * @throws Failure as `say`
   */
  retry(ask: RunRequest): Promise<QueuedRun>;

  /**
   * Queues a Run that goes on with the answer `message`, which must be the head and have text.
   * @throws Failure as `say`
   */
  continue(ask: RunRequest): Promise<QueuedRun>;

  /** `queued → running`; false when the Run is no longer queued. */
  start(run: RunId): Promise<boolean>;

  /** Keeps what running Runs have written since the checkpoint before, in one transaction; no effect on any others. */
  checkpoint(drafts: readonly Draft[]): Promise<void>;

  /** Writes the final text, counts the tokens as its owner's, and closes an active Run, which is returned as it is now shown; null when it was closed before. */
  end(run: RunId, ending: Ending): Promise<(Utterance & { run: Run }) | null>;

  /** The Runs that are active in the Store, in the order in which they were queued: at the start, what the process before left. */
  unfinishedRuns(): Promise<readonly UnfinishedRun[]>;

  /** null for one that is unknown or deleted. */
  conversation(id: ConversationId): Promise<Conversation | null>;

  /** Whose a conversation is, a deleted one too; null for one that is unknown. */
  ownerOf(id: ConversationId): Promise<PersonId | null>;

  /** null for one that is unknown, of another conversation, or of a deleted one. */
  message(conversation: ConversationId, id: MessageId): Promise<Message | null>;

  /** A part of a conversation's thread. Empty for an unknown conversation. @throws Failure `not_found` (`before`) */
  thread(id: ConversationId, range: ThreadRange): Promise<ThreadPage>;

  /** The path that leads to `message`, which is excluded: what is sent to the model to have it written. */
  history(message: MessageId): Promise<readonly Message[]>;

  /**
   * Shows the branch that `message` is on, down to its newest leaf.
   * @throws Failure `not_found`, `conversation_busy`
   */
  select(conversation: ConversationId, message: MessageId): Promise<void>;

  /**
   * Deletes a message with all that follows it in a way that `unprune` undoes; the nearest sibling, else its parent, is shown.
   * @throws Failure `not_found`, `conversation_busy`
   */
  prune(conversation: ConversationId, message: MessageId): Promise<void>;

  /**
   * Brings back a message with all that was deleted with it, and shows it.
   * @throws Failure `not_found` when it was never deleted, or is gone for good; `conversation_busy`, `conversation_removed`
   */
  unprune(conversation: ConversationId, message: MessageId): Promise<void>;

  /** A person's conversations that are not deleted: pinned ones first, then by time, the latest first. */
  list(range: ListRange): Promise<readonly ListedConversation[]>;

  /** One entry of the list; null when it is not in it. */
  listed(id: ConversationId): Promise<ListedConversation | null>;

  /** @throws Failure `not_found` */
  rename(id: ConversationId, title: string): Promise<void>;

  /** A title that the model has made; no effect where a person has given one. */
  entitle(id: ConversationId, title: string): Promise<void>;

  /** How the conversation is answered from now on. @throws Failure `not_found` */
  settle(id: ConversationId, settings: Settings): Promise<void>;

  /** @throws Failure `not_found` */
  pin(id: ConversationId, pinned: boolean): Promise<void>;

  /** Deletes a conversation in a way that `restore` undoes. @throws Failure `not_found`, `conversation_busy` */
  remove(id: ConversationId): Promise<void>;

  /** @throws Failure `not_found` when it was never there, or is gone for good */
  restore(id: ConversationId): Promise<void>;

  /** Forgets conversations and messages that were deleted before `time` (milliseconds since 1970) for good. */
  purge(time: number): Promise<void>;

  /** Forgets a conversation with everything in it at once; no effect when it is unknown. */
  forget(id: ConversationId): Promise<void>;

  /** A person's titles and messages with all words of `query`, best first. Case and diacritics fold; the last word may be unfinished. */
  search(owner: PersonId, query: string, limit: number): Promise<readonly FoundPassage[]>;

  /** Ids of conversations that are not deleted. */
  ids(which?: ConversationFilter): Promise<readonly ConversationId[]>;

  /** A whole conversation for a file; null for one that is unknown or deleted. */
  record(id: ConversationId): Promise<ConversationRecord | null>;

  /** Begins to take in a conversation from a file as somebody's: nobody sees it before it has ended. Null when they have it already. */
  bring(owner: PersonId, conversation: ConversationHeader): Promise<ConversationImport | null>;

  /** The same in one go; false, and nothing is changed, when they have it already. */
  add(owner: PersonId, record: ConversationRecord): Promise<boolean>;

  /** Proves that it can be written to. @throws when it can't */
  probe(): Promise<void>;

  close(): Promise<void>;
}
