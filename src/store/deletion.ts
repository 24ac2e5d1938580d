// Erases messages for good. Within a transaction of the caller.

import type { ConversationId } from "../domain/id.ts";
import { all, change, one, type Work } from "./database.ts";

/** True if there are messages that were deleted before `time`. */
export function* hasPruned(time: number): Work<boolean> {
  return (yield* one("select 1 from messages where deleted_at < ? limit 1", time)) !== null;
}

/** Erases messages that were deleted before `time`. */
export function* purgeMessages(time: number): Work<void> {
  const sql = "select seq from messages where deleted_at < ? order by seq desc";
  yield* eraseAll(yield* all<{ seq: number }>(sql, time));
}

/** Erases all messages of a conversation. */
export function* clearMessages(conversation: ConversationId): Work<void> {
  const sql = "select seq from messages where conversation = ? order by seq desc";
  yield* eraseAll(yield* all<{ seq: number }>(sql, conversation));
}

/**
 * Leaves first (a child is always younger), one by one: SQLite lets a cascade reach 1 000 rows deep at most
 * (sqlite.org/limits.html), and one of hundreds takes fifty times as long.
 */
function* eraseAll(rows: readonly { seq: number }[]): Work<void> {
  for (const { seq } of rows) yield* change("delete from messages where seq = ?", seq);
}
