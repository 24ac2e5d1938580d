// Work in one transaction of PostgreSQL, in as few round trips as it has results: what has none is sent
// together with the next statement, as the beginning and the end are.

import { type Connection, isLost, PostgresError } from "../postgres/connection.ts";
import type { Statement, Value, Work } from "./database.ts";
import { inlined, numbered } from "./postgres-sql.ts";

interface TransactionOptions<T> {
  /** The statements that begin it. */
  readonly begin: string;
  /** The statement that an announcement is. */
  readonly announce: string;
  /** Nothing is changed, so nobody waits for the end. */
  readonly isRead?: boolean;
  work(): Work<T>;
}

/** Characters that wait for the next statement, at most. */
const waitingMax = 256 * 1024;
/** Most that values in the text of a statement may have, in bytes and characters; others are sent as they are. */
const inlinedMax = 64 * 1024;

/** That a connection broke during the commit, so that nobody knows whether it was made. */
export class CommitUnknown extends Error {}

/** @throws CommitUnknown, PostgresError, and what the work throws: then nothing was committed */
export async function transact<T>(
  connection: Connection,
  { begin, announce, isRead, work }: TransactionOptions<T>,
): Promise<{ result: T; isAnnounced: boolean }> {
  let [waiting, hasBegun, isAnnounced] = [begin, false, false];
  const send = () => {
    const sent = waiting;
    waiting = "";
    hasBegun = true;
    return connection.query(sent);
  };
  let result: T;
  try {
    const running = work();
    let step = running.next();
    while (!step.done) {
      const { kind, sql, values } = step.value;
      if (kind === "announce") isAnnounced = true;
      const isLarge = sizeOf(values) > inlinedMax;
      if (waiting !== "" && isLarge) await send();
      if (isLarge) step = running.next(resultOf(step.value, await connection.query(numbered(sql), values)));
      else {
        waiting += `\n;${kind === "announce" ? announce : inlined(sql, values)}`;
        const isLeft = (kind === "announce" || kind === "perform") && waiting.length < waitingMax;
        step = running.next(isLeft ? undefined : resultOf(step.value, await send()));
      }
    }
    result = step.value;
    // a connection that broke before is noticed here, not by the commit
    if (!hasBegun) await send();
  } catch (error) {
    if (hasBegun) await connection.query("rollback").catch(() => connection.close());
    throw error;
  }
  if (isRead) void connection.query("commit").catch(() => connection.close());
  else await commit(connection, waiting);
  return { result, isAnnounced };
}

async function commit(connection: Connection, waiting: string): Promise<void> {
  try {
    await connection.query(`${waiting}\n;commit`);
  } catch (error) {
    if (error instanceof PostgresError && isLost(error.state)) throw new CommitUnknown(error.message);
    await connection.query("rollback").catch(() => connection.close());
    throw error;
  }
}

const sizeOf = (values: readonly Value[]): number =>
  values.reduce(
    (size: number, each) => size + (each === null || typeof each === "number" ? 8 : each.length),
    0,
  );

type Result = Awaited<ReturnType<Connection["query"]>>;

/** What a statement gives to the work. */
export function resultOf({ kind }: Statement, { rows, count }: Result): unknown {
  if (kind === "one") return rows[0] ?? null;
  return kind === "all" ? rows : count;
}
