// Contract of the durable truth: conversations and Runs. Asynchronous, so that a database across the network
// fits; each method is one transaction. The queue is the table of Runs: nothing else remembers who waits.
// Every implementation passes test/contract/store.ts.

import type { Conversation, FoundPassage, ListedConversation, Message } from "../domain/conversation.ts";
import type { FailureReport } from "../domain/failure.ts";
import type { FileId } from "../domain/file.ts";
import type { ConversationId, MessageId, PersonId, RunId } from "../domain/id.ts";
import type { Parts, WrittenPart } from "../domain/part.ts";
import type { Settings } from "../domain/persona.ts";
import type { ConversationHeader, ConversationRecord, MessageRecord } from "../domain/record.ts";
import type { Run, RunStats, RunStatus, WhichRuns } from "../domain/run.ts";
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
import type { Collections } from "./collections.ts";
import type { Documents } from "./documents.ts";
import type { Files } from "./files.ts";
import type { ConversationFilter, ListRange, ThreadRange } from "./ranges.ts";
import type { Sources } from "./sources.ts";

/** A question to be stored with the Run that will answer it. `documents` replaces those of the conversation. */
export interface NewQuestion extends Admission, Pick<Settings, "documents"> {
  readonly conversation: ConversationId;
  /** Made by the server for the form, sent back by the browser: it makes a second delivery harmless. */
  readonly message: MessageId;
  readonly text: string;
  /** Files of the owner; default: those of the question that this one is an edit of. */
  readonly files?: readonly FileId[];
  /** The earlier question that this one is an edit of: the two become siblings. */
  readonly edits?: MessageId;
  /** Settings of the conversation, if this question makes it. */
  readonly settings?: Settings;
}

/** Asks for another Run about an answer that exists. */
export interface RunRequest extends Admission, Pick<Run, "withoutDocuments"> {
  readonly conversation: ConversationId;
  readonly message: MessageId;
}

/** A Run that was queued, with the messages that belong to it. */
export interface QueuedRun {
  /** The new question; null when there is none. */
  readonly question: Message | null;
  /** The answer that the Run will write; its parts are what exists already. */
  readonly answer: Message;
  readonly run: Run;
}

/** A conversation that is being imported. */
export interface ConversationImport {
  /** Its id in this Store. */
  readonly id: ConversationId;
  /** Lets messages that come have the file `as` where they name `file`. */
  knows(file: FileId, as: FileId): void;
  /** Adds messages in a transaction of their own; parents before their children. */
  add(messages: readonly MessageRecord[]): Promise<void>;
  /** Makes the conversation visible. */
  end(): Promise<void>;
}

/** How a Run ended. */
export interface Ending {
  readonly status: Exclude<RunStatus, "queued" | "running">;
  readonly parts: Parts;
  readonly finish: string | null;
  readonly failure: FailureReport | null;
  readonly stats: RunStats;
  /**
   * Tokens used: prompt tokens that were not cached, and output. An estimate where llama-server did not
   * report them.
   */
  readonly tokens: number;
  readonly slotFreed: boolean;
}

/** What a Run has written since its last checkpoint. */
export interface Draft {
  readonly run: RunId;
  /** The step that wrote it, from 0. A first draft of a step says that those before it are over. */
  readonly step: number;
  /** What was added, in order: each piece belongs to the part of its kind. */
  readonly pieces: readonly WrittenPart[];
  /** Bytes of llama-server's stream of this step, from its beginning, that hold all that the step wrote. */
  readonly streamBytes: number;
}

/** An answer at the last checkpoint of its Run. */
export interface WrittenSoFar {
  /** All of its parts, those from before the Run included. */
  readonly parts: Parts;
  /** The step that was under way. */
  readonly step: number;
  /** Index of the first part that this step writes. */
  readonly from: number;
  /** See `Draft`; 0 when there was no checkpoint. */
  readonly streamBytes: number;
}

/** A Run that was waiting or running when the last process ended. */
export interface UnfinishedRun extends QueuedRun {
  readonly draft: WrittenSoFar;
}

/** A Run that waits or runs. */
export interface ActiveRun extends Pick<Run, "id" | "status"> {
  /** See `Store.wishStop`. */
  readonly isStopWished: boolean;
}

export interface Store {
  readonly files: Files;
  readonly people: People;
  readonly sessions: Sessions;
  readonly keys: Keys;
  readonly links: Links;
  readonly usage: UsageLedger;
  readonly settings: HouseSettings;
  readonly audit: AuditLog;
  readonly retention: Retention;
  readonly collections: Collections;
  readonly documents: Documents;
  readonly sources: Sources;

  /**
   * Stores a question, its empty answer and a queued Run. Makes the conversation, if this is its first
   * question. Returns null, and changes nothing, when the message id is known already.
   * @throws Failure `not_found` (an unknown edit or file, a conversation of somebody else), `conversation_removed`,
   * `conversation_busy`, `queue_full`, `too_many_waiting`, `runs_limit`, `tokens_limit`
   */
  say(question: NewQuestion): Promise<QueuedRun | null>;
  /** Queues another attempt at an answer: a sibling, which becomes the head. @throws Failure as `say` */
  retry(request: RunRequest): Promise<QueuedRun>;
  /** Queues a Run that continues an answer, which must be the head and have text. @throws Failure as `say` */
  continue(request: RunRequest): Promise<QueuedRun>;

  /** `queued → running`; false when the Run is no longer queued. */
  start(run: RunId): Promise<boolean>;
  /** Adds to the drafts of running Runs, in one transaction; ignores Runs that do not run. */
  checkpoint(drafts: readonly Draft[]): Promise<void>;
  /** Closes an active Run: its final text, its owner's tokens. Returns its message; null if it was closed. */
  end(run: RunId, ending: Ending): Promise<(Utterance & { run: Run }) | null>;
  /** Keeps what was found by its sense in the answer of a Run that has ended. */
  keepOpinion(run: RunId, bySense: NonNullable<RunStats["bySense"]>): Promise<void>;
  /** All Runs that wait or run, in the order of the queue; or this one, if it does. */
  unfinishedRuns(only?: RunId): Promise<readonly UnfinishedRun[]>;
  /** All Runs that wait or run, or those of one conversation, in the order of the queue, in few words. */
  activeRuns(conversation?: ConversationId): Promise<readonly ActiveRun[]>;
  /** Marks active Runs as wished to stop, for the process that runs them. Returns their number. */
  wishStop(which: WhichRuns): Promise<number>;

  /** null for one that is unknown or deleted. */
  conversation(id: ConversationId): Promise<Conversation | null>;
  /** The owner, of deleted conversations too; null for one that is unknown. */
  ownerOf(id: ConversationId): Promise<PersonId | null>;
  /** null for one that is unknown, of another conversation, or of a deleted one. */
  message(conversation: ConversationId, id: MessageId): Promise<Message | null>;
  /** A part of a thread; empty for an unknown conversation. @throws Failure `not_found` (`before`) */
  thread(id: ConversationId, range: ThreadRange): Promise<ThreadPage>;
  /** The path to `message`, which is excluded: the prompt's messages when the model writes it. */
  history(message: MessageId): Promise<readonly Message[]>;

  /**
   * Shows the branch of `message`, down to its newest leaf. @throws Failure `not_found`, `conversation_busy`
   */
  select(conversation: ConversationId, message: MessageId): Promise<void>;
  /**
   * Deletes a message with all messages below it until `unprune`. Shows the nearest sibling, else the parent.
   * @throws Failure `not_found`, `conversation_busy`
   */
  prune(conversation: ConversationId, message: MessageId): Promise<void>;
  /**
   * Brings back a message with all messages that were deleted with it, and shows it.
   * @throws Failure `not_found` (never deleted, or purged), `conversation_busy`, `conversation_removed`
   */
  unprune(conversation: ConversationId, message: MessageId): Promise<void>;

  /** A person's conversations that are not deleted: pinned ones first, then by time, the latest first. */
  list(range: ListRange): Promise<readonly ListedConversation[]>;
  /** One entry of the list; null when the list does not hold it. */
  listed(id: ConversationId): Promise<ListedConversation | null>;
  /**
   * A person's titles and messages that hold all words of `query`, best first. Ignores case and diacritics;
   * the last word may be unfinished.
   */
  search(owner: PersonId, query: string, limit: number): Promise<readonly FoundPassage[]>;

  /** @throws Failure `not_found` */
  rename(id: ConversationId, title: string): Promise<void>;
  /** Sets a title that the model made; no effect where a person has given one. */
  setGeneratedTitle(id: ConversationId, title: string): Promise<void>;
  /** Sets how the conversation is answered from now on. @throws Failure `not_found` */
  setSettings(id: ConversationId, settings: Settings): Promise<void>;
  /** @throws Failure `not_found` */
  pin(id: ConversationId, pinned: boolean): Promise<void>;

  /** Deletes a conversation until `restore`. @throws Failure `not_found`, `conversation_busy` */
  remove(id: ConversationId): Promise<void>;
  /** @throws Failure `not_found` when it never existed, or is gone for good */
  restore(id: ConversationId): Promise<void>;
  /** Erases conversations and messages that were deleted before `time` (milliseconds since 1970). */
  purge(time: number): Promise<void>;
  /** Erases a conversation with everything in it; no effect when it is unknown. */
  forget(id: ConversationId): Promise<void>;

  /** Ids of conversations that are not deleted. */
  ids(filter?: ConversationFilter): Promise<readonly ConversationId[]>;
  /** A whole conversation for a file; null for one that is unknown or deleted. */
  record(id: ConversationId): Promise<ConversationRecord | null>;
  /**
   * Begins to import a conversation. Nobody sees it before it has ended. Null when the owner has it already.
   */
  beginImport(owner: PersonId, conversation: ConversationHeader): Promise<ConversationImport | null>;
  /** Imports a whole conversation; false, and nothing changes, when the owner has it already. */
  add(owner: PersonId, record: ConversationRecord): Promise<boolean>;

  /** Proves that the Store can be written. @throws Failure `store_unwritable`, `store_damaged` */
  probe(): Promise<void>;
  close(): Promise<void>;
}
