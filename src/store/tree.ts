// The tree of messages: paths, branches, siblings.

import { type Message, type Role, withParts } from "../domain/conversation.ts";
import { Failure } from "../domain/failure.ts";
import type { ConversationId, MessageId } from "../domain/id.ts";
import { plainText } from "../domain/part.ts";
import type { ThreadPage, Utterance } from "../domain/thread.ts";
import { all, change, type Database, one, perform, type Work } from "./database.ts";
import { type MessageRow, partsColumn, type RunRow, toMessage, toRun } from "./rows.ts";
import type { RunTable } from "./runs.ts";

/**
 * The path from message `?1` towards the root, at most `?2` messages, as a table `path(id, parent, depth)`.
 */
const pathFrom = `
  with recursive path (id, parent, depth) as (
    select id, parent, 0 from messages where id = ?1
    union all
    select m.id, m.parent, path.depth + 1 from messages m join path on m.id = path.parent
    where path.depth + 1 < ?2
  )`;
/** Message `?1` and all messages below it, as a table `below(id)`. */
const below = `with recursive below (id) as
  (select ?1 union all select m.id from messages m join below on m.parent = below.id)`;
const pathRows = `${pathFrom} select m.* from path join messages m using (id) order by depth desc`;

/** Longest path, in messages. */
const pathMaxMessages = 1_000_000;

export class MessageTree {
  readonly #db: Database;
  readonly #runs: RunTable;

  constructor(db: Database, runs: RunTable) {
    this.#db = db;
    this.#runs = runs;
  }

  /** Null for an unknown message and for a deleted one. */
  *message(id: MessageId): Work<Message | null> {
    const row = yield* one<MessageRow>("select * from messages where id = ? and deleted_at is null", id);
    return row && toMessage(row);
  }

  /** A message of this conversation, of this role if one is given. @throws Failure `not_found` */
  *messageIn(conversation: ConversationId, id: MessageId, role?: Role): Work<Message> {
    const found = yield* this.message(id);
    if (found?.conversation !== conversation || (role && found.role !== role)) throw new Failure("not_found");
    return found;
  }

  /** A message of a conversation that is not deleted. @throws Failure `not_found`, `conversation_removed` */
  *messageOf(conversation: ConversationId, id: MessageId): Work<Message> {
    const found = yield* this.messageIn(conversation, id);
    yield* this.refuseRemoved(conversation);
    return found;
  }

  /**
   * The question that an answer belongs to. Imported conversations may have answers below answers: then it is
   * the question above all of them. @throws Failure `not_found`
   */
  *questionAbove({ conversation, parent }: Message): Work<Message> {
    const above = yield* this.messageIn(conversation, parent ?? "");
    return above.role === "assistant" && above.parent !== null ? yield* this.questionAbove(above) : above;
  }

  /** @throws Failure `conversation_removed` */
  *refuseRemoved(conversation: ConversationId): Work<void> {
    if (yield* one("select 1 from conversations where id = ? and deleted_at is not null", conversation))
      throw new Failure("conversation_removed");
  }

  *add(made: Pick<Message, "id" | "conversation" | "parent" | "role" | "parts">): Work<Message> {
    const { id, conversation, parent, role, parts } = made;
    const text = plainText(parts);
    const createdAt = Date.now();
    yield* perform(
      `insert into messages (id, conversation, parent, role, text, parts, created_at)
       values (?, ?, ?, ?, ?, ?, ?)`,
      id,
      conversation,
      parent,
      role,
      text,
      partsColumn(parts),
      createdAt,
    );
    return { ...made, text, createdAt };
  }

  /** The page of a path that ends at `last`. */
  *pageFrom(
    last: MessageId | null,
    limit: number,
    through: MessageId | undefined,
  ): Work<Pick<ThreadPage, "thread" | "hasEarlier">> {
    if (last === null) return { thread: [], hasEarlier: false };
    const steps = through ? yield* this.stepsBetween(last, through) : 0;
    return yield* this.page(last, Math.max(limit, steps));
  }

  *page(last: MessageId, limit: number): Work<Pick<ThreadPage, "thread" | "hasEarlier">> {
    const rows = yield* all<MessageRow>(pathRows, last, limit + 1);
    const hasEarlier = rows.length > limit;
    const shown = rows.slice(hasEarlier ? 1 : 0);
    const { condition, list } = this.#db.within(
      "message",
      shown.map(({ id }) => id),
    );
    const runs = yield* all<RunRow>(`select * from runs where ${condition} order by seq`, list);
    const latest = new Map(runs.map((row) => [row.message, row]));
    const siblings = yield* this.#siblings(shown);
    const thread: Utterance[] = [];
    for (const row of shown) {
      const run = latest.get(row.id);
      const stored = toMessage(row);
      const draft = run?.status === "running" ? yield* this.#runs.draft(run.id, stored.parts) : null;
      const message = draft ? withParts(stored, draft.parts) : stored;
      thread.push({ message, run: run ? toRun(run) : null, siblings: siblings.get(row.parent) ?? [row.id] });
    }
    return { thread, hasEarlier };
  }

  /**
   * Number of messages on the path from `last` back to `first`, both included; 0 when `first` is not on the
   * path.
   */
  *stepsBetween(last: MessageId, first: MessageId): Work<number> {
    const found = yield* one<{ depth: number }>(
      `${pathFrom} select depth from path where id = ?3`,
      last,
      pathMaxMessages,
      first,
    );
    return found ? found.depth + 1 : 0;
  }

  *history(message: MessageId): Work<Message[]> {
    const path = yield* all<MessageRow>(pathRows, message, pathMaxMessages);
    return path.slice(0, -1).map(toMessage);
  }

  /** The newest leaf below a message, where its branch ends. */
  *leafBelow(message: MessageId): Work<MessageId> {
    for (let leaf = message; ; ) {
      const child = yield* one<{ id: string }>(
        "select id from messages where parent = ? and deleted_at is null order by seq desc limit 1",
        leaf,
      );
      if (!child) return leaf;
      leaf = child.id;
    }
  }

  /** See `Store.select`. */
  *select(conversation: ConversationId, message: MessageId): Work<void> {
    yield* this.messageOf(conversation, message);
    yield* this.#runs.refuseIfBusy(conversation);
    yield* this.show(conversation, yield* this.leafBelow(message));
  }

  /**
   * The head after `message` and all below it are deleted: the leaf of its nearest sibling, else its parent.
   */
  *headWithout(message: Message): Work<MessageId | null> {
    const siblings = (yield* this.#siblings([message])).get(message.parent) ?? [];
    const at = siblings.indexOf(message.id);
    const nearest = siblings[at - 1] ?? siblings[at + 1];
    return nearest === undefined ? message.parent : yield* this.leafBelow(nearest);
  }

  /**
   * Deletes a message and all below it until `unprune`. If it was on the path to `head`, another head is
   * shown.
   */
  *prune(conversation: ConversationId, id: MessageId, head: MessageId | null): Work<void> {
    const message = yield* this.messageOf(conversation, id);
    yield* this.#runs.refuseIfBusy(conversation);
    const isShown = head === id || (head !== null && (yield* this.stepsBetween(head, id)) > 0);
    if (isShown) yield* this.show(conversation, yield* this.headWithout(message));
    // each deletion has a time of its own, so that `unprune` finds the messages that were deleted together
    const sql = "select max(deleted_at) as at from messages where conversation = ?";
    const last = yield* one<{ at: number | null }>(sql, conversation);
    const now = Math.max(Date.now(), (last?.at ?? 0) + 1);
    yield* change(
      `${below} update messages set deleted_at = ?2
       where id in (select id from below) and deleted_at is null`,
      id,
      now,
    );
  }

  /**
   * Brings back a message with all that were deleted with it, and shows it.
   * @throws Failure `not_found` when the message, or its parent, does not exist any more
   */
  *unprune(conversation: ConversationId, id: MessageId): Work<void> {
    yield* this.refuseRemoved(conversation);
    yield* this.#runs.refuseIfBusy(conversation);
    const sql = "select * from messages where id = ? and conversation = ? and deleted_at is not null";
    const row = yield* one<MessageRow & { deleted_at: number }>(sql, id, conversation);
    if (!row || (row.parent !== null && !(yield* this.message(row.parent)))) throw new Failure("not_found");
    // messages below it that were deleted earlier stay deleted
    yield* change(
      `${below} update messages set deleted_at = null where id in (select id from below) and deleted_at = ?2`,
      id,
      row.deleted_at,
    );
    yield* this.show(conversation, yield* this.leafBelow(id));
  }

  /** Sets the head: the path to it is shown from now on. */
  *show(conversation: ConversationId, head: MessageId | null): Work<void> {
    yield* perform("update conversations set head = ? where id = ?", head, conversation);
  }

  /** The siblings of all `messages`, by their parent; null is the parent of first messages. */
  *#siblings(
    messages: readonly Pick<MessageRow, "id" | "parent" | "conversation">[],
  ): Work<Map<MessageId | null, MessageId[]>> {
    const groups = new Map<MessageId | null, MessageId[]>();
    const parents = messages.flatMap(({ parent }) => parent ?? []);
    const { condition, list } = this.#db.within("parent", parents);
    const found = yield* all<{ id: string; parent: string | null }>(
      `select id, parent from messages where ${condition} and deleted_at is null order by seq`,
      list,
    );
    const first = messages.find(({ parent }) => parent === null);
    if (first)
      found.push(
        ...(yield* all<{ id: string; parent: null }>(
          `select id, parent from messages
           where conversation = ? and parent is null and deleted_at is null order by seq`,
          first.conversation,
        )),
      );
    for (const { id, parent } of found) groups.set(parent, [...(groups.get(parent) ?? []), id]);
    return groups;
  }
}
