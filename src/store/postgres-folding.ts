// Work on the index of passages that nobody waits for: the terms of the latest passages become a block, and
// those of deleted passages leave theirs. Each step is a short transaction.

import { all, change, one, perform, type Work } from "./database.ts";
import { blockMin } from "./postgres-passages.ts";

/** Rows of `passage_terms` and of `passage_lists` that one step looks at. */
const [foldRows, purgeRows] = [4_000, 500];

interface Block {
  readonly last: number;
  readonly first: number;
  readonly state: "folding" | "whole" | "purging";
  readonly kind: string;
  readonly term: string;
}

/** One step. False when nothing is left to do. */
export function* tidyPassages(): Work<boolean> {
  const begun = yield* one<Block>(
    "select * from passage_blocks where state <> 'whole' order by last limit 1",
  );
  // statistics of tables that grow and shrink so quickly are wrong
  if (begun !== null) yield* perform("set local enable_seqscan = off");
  if (begun?.state === "folding") return yield* fold(begun);
  if (begun?.state === "purging") return yield* purge(begun);
  const begin = `update passage_blocks set state = 'purging', is_stale = 0
    where last = (select min(last) from passage_blocks where is_stale = 1)`;
  if ((yield* change(begin)) > 0) return true;
  return yield* beginBlock();
}

/** Makes a block of the latest passages, if they are enough for one. */
function* beginBlock(): Work<boolean> {
  const latest = "from passage_sizes where passage > (select coalesce(max(last), 0) from passage_blocks)";
  const row = yield* one<{ n: number; first: number; last: number }>(
    `select count(*) as n, min(passage) as first, max(passage) as last ${latest}`,
  );
  if (row === null || row.n < blockMin) return false;
  const sql = "insert into passage_blocks (last, first, state) values (?, ?, 'folding')";
  yield* perform(sql, row.last, row.first);
  return true;
}

/** Moves the rows of some terms into the block. */
function* fold({ last, kind, term }: Block): Work<boolean> {
  const behind = "(kind, term) > (?1, ?2) and passage <= ?3::bigint";
  const end = yield* one<{ kind: string; term: string }>(
    `select kind, term from (select kind, term from passage_terms where ${behind} order by kind, term
       limit ${foldRows}) part order by kind desc, term desc limit 1`,
    ...[kind, term, last],
  );
  if (end === null) return yield* finish(last);
  yield* perform(
    `with moved as (
       delete from passage_terms where ${behind} and (kind, term) <= (?4, ?5) returning kind, term, passage, n
     )
     insert into passage_lists (kind, term, block, passages, counts)
     select kind, term, ?3::bigint, array_agg(passage::int order by passage),
       array_agg(least(n, 32767)::smallint order by passage)
     from moved group by kind, term`,
    ...[kind, term, last, end.kind, end.term],
  );
  return yield* advance(last, end);
}

/** Removes the deleted passages from some of the block's lists. */
function* purge({ last, kind, term }: Block): Work<boolean> {
  const some = yield* all<{ kind: string; term: string }>(
    `select kind, term from passage_lists where (kind, term) > (?, ?) and block = ?
     order by kind, term limit ${purgeRows}`,
    ...[kind, term, last],
  );
  const end = some.at(-1);
  if (end === undefined) return yield* finish(last);
  const within = "block = ?1::bigint and (kind, term) > (?2, ?3) and (kind, term) <= (?4, ?5)";
  yield* perform(
    `with kept as (
       select l.kind, l.term,
         array_agg(u.passage order by u.passage) filter (where p.seq is not null) as passages,
         array_agg(u.n order by u.passage) filter (where p.seq is not null) as counts, count(*) as n
       from passage_lists l, unnest(l.passages, l.counts) u (passage, n)
       left join passages p on p.seq = u.passage where ${within} group by l.kind, l.term
     ), gone as (
       delete from passage_lists l using kept k
       where l.kind = k.kind and l.term = k.term and l.block = ?1::bigint and k.passages is null
     )
     update passage_lists l set passages = k.passages, counts = k.counts from kept k
     where l.kind = k.kind and l.term = k.term and l.block = ?1::bigint and cardinality(k.passages) < k.n`,
    ...[last, kind, term, end.kind, end.term],
  );
  return yield* advance(last, end);
}

function* advance(block: number, { kind, term }: { kind: string; term: string }): Work<boolean> {
  yield* perform("update passage_blocks set kind = ?, term = ? where last = ?", kind, term, block);
  return true;
}

function* finish(block: number): Work<boolean> {
  yield* perform("update passage_blocks set state = 'whole', kind = '', term = '' where last = ?", block);
  // one that has lost all its passages
  yield* perform(
    `delete from passage_blocks b where last = ? and is_stale = 0
       and not exists (select 1 from passages where seq between b.first and b.last)`,
    block,
  );
  return true;
}
