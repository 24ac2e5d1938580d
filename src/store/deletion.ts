// Erases messages from SQLite for good. Within a transaction of the caller, unless a function says otherwise.

import type { ConversationId } from "../domain/id.ts";
import type { Queries } from "./queries.ts";

/** Erases messages that were deleted before `time`. Makes a transaction only where there are any. */
export function purgeMessages(q: Queries, time: number): void {
  const pruned = q.all<{ seq: number }>(
    "select seq from messages where deleted_at < ? order by seq desc",
    time,
  );
  if (pruned.length === 0) return;
  q.transaction(() => {
    eraseAll(q, pruned);
    q.now(q.forgetting.begin("texts"));
  });
}

/** Erases all messages of a conversation. */
export function clearMessages(q: Queries, conversation: ConversationId): void {
  const sql = "select seq from messages where conversation = ? order by seq desc";
  eraseAll(q, q.all<{ seq: number }>(sql, conversation));
}

/**
 * Leaves first (a child is always younger), one by one: SQLite lets a cascade reach 1 000 rows deep at most
 * (sqlite.org/limits.html), and one of hundreds takes fifty times as long.
 */
function eraseAll(q: Queries, rows: readonly { seq: number }[]): void {
  for (const { seq } of rows) q.run("delete from messages where seq = ?", seq);
}
