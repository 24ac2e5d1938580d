// The index of passages in PostgreSQL: tables of their terms, ranked by BM25 as SQLite's FTS5 computes it.

import type { WordQuery } from "../domain/document.ts";
import {
  all,
  type IndexedTerms,
  type PassageIndex,
  type PassageTerms,
  perform,
  type Value,
  type Work,
} from "./database.ts";

/** Weight of a long word that only holds what is looked for. */
const partWeight = 0.2;
/** Passages that are a block of their own when they are added together. */
export const blockMin = 1_000;
/** Terms that one statement adds. */
const statementTerms = 5_000;

type Kind = "word" | "part";

export const postgresPassages: PassageIndex = {
  *add(passages: readonly IndexedTerms[]): Work<void> {
    if (passages.length === 0) return;
    const entries = passages.map(({ passage, terms }) => ({ passage, counts: countedTerms(terms) }));
    if (passages.length >= blockMin) yield* addBlock(entries);
    else yield* addRows(entries);
    const sizes = passages.map(({ passage, collection, terms: { words, compounds } }) => [
      ...[passage, collection, words.length + 2 * compounds.length],
    ]);
    yield* perform(
      `insert into passage_sizes (passage, collection, terms)
       select (e->>0)::bigint, (e->>1)::bigint, (e->>2)::bigint from jsonb_array_elements(?::text::jsonb) e`,
      JSON.stringify(sizes),
    );
  },

  *frequencies(terms: readonly string[]): Work<Map<string, number>> {
    const asked = "jsonb_array_elements_text(?1::text::jsonb) q (term)";
    const sql = `select term, sum(n) as n from (
        select t.term, 1 as n from ${asked} join passage_terms t on t.kind = 'word' and t.term = q.term
        union all
        select t.term, cardinality(t.passages)
        from ${asked} join passage_lists t on t.kind = 'word' and t.term = q.term
      ) found group by term`;
    const rows = yield* all<{ term: string; n: number }>(sql, JSON.stringify(terms));
    return new Map(rows.map(({ term, n }) => [term, n]));
  },

  // k1 = 1.2, b = 0.75; a passage has one term more there: the name of its collection. Sums are rounded:
  // their last digits depend on the order of the rows
  matches(query: WordQuery, collections: readonly number[], limit: number): { sql: string; values: Value[] } {
    const sql = `with hits as (
        ${hits("word", "?1", "t.term = q.term")}
        union all
        select phrase, passage, sum(n) from (
          ${hits("part", "?2", "t.term >= q.term and t.term < q.term || chr(1114111)")}
        ) parts group by phrase, passage
      ), found as materialized (
        select h.phrase, h.passage, s.collection, (s.terms + 1)::float8 as size,
          case when h.phrase > 0 then h.n::float8 else h.n::float8 * ${partWeight} end as f
        from hits h join passage_sizes s on s.passage = h.passage
      ), house as (
        select passages::float8 as n, (terms + passages)::float8 / greatest(passages, 1) as size
        from passage_totals
      ), rare as (
        select phrase, greatest(1e-6::float8, ln((n - hold + 0.5) / (hold + 0.5))) as idf, size
        from (select phrase, count(*)::float8 as hold from found group by phrase) phrases, house
      ), ranked as (
        select f.passage, -sum(r.idf * f.f * 2.2::float8 / (f.f + 1.2::float8 *
          (0.25::float8 + 0.75::float8 * f.size / r.size))) as rank
        from found f join rare r on r.phrase = f.phrase
        where f.collection in (select value::bigint from jsonb_array_elements_text(?3::text::jsonb))
        group by f.passage
      )
      select passage, round(rank * 1e13::float8) / 1e13::float8 as rank
      from ranked order by rank, passage limit ?4`;
    const parts = query.fragments.flatMap((part) => [part, backwards(part)]);
    return { sql, values: [...[query.words, parts, collections].map((each) => JSON.stringify(each)), limit] };
  },
};

/** Rows (phrase, passage, n) of the terms that meet the condition, for each that is asked, as often as it is. */
const hits = (kind: Kind, asked: string, condition: string): string => {
  const terms = `jsonb_array_elements_text(${asked}::text::jsonb) with ordinality q (term, i)`;
  const phrase = kind === "word" ? "q.i as phrase" : "-q.i as phrase";
  return `select ${phrase}, t.passage, t.n
      from ${terms} join passage_terms t on t.kind = '${kind}' and ${condition}
    union all
    select ${phrase}, u.passage, u.n
      from ${terms} join passage_lists t on t.kind = '${kind}' and ${condition},
      unnest(t.passages, t.counts) u (passage, n)`;
};

const backwards = (word: string): string => [...word].reverse().join("");

interface Entry {
  readonly passage: number;
  readonly counts: Readonly<Record<Kind, ReadonlyMap<string, number>>>;
}

function countedTerms({ words, compounds }: PassageTerms): Entry["counts"] {
  return { word: counted(words), part: counted(compounds.flatMap((word) => [word, backwards(word)])) };
}

function counted(terms: readonly string[]): ReadonlyMap<string, number> {
  const counts = new Map<string, number>();
  for (const term of terms) counts.set(term, (counts.get(term) ?? 0) + 1);
  return counts;
}

function* addRows(entries: readonly Entry[]): Work<void> {
  for (const kind of ["word", "part"] as const) {
    const rows = entries.flatMap(({ passage, counts }) =>
      [...counts[kind]].map(([term, n]) => [term, passage, n]),
    );
    yield* inStatements(
      `insert into passage_terms (kind, term, passage, n)
       select '${kind}', e->>0, (e->>1)::bigint, (e->>2)::bigint from jsonb_array_elements(?::text::jsonb) e`,
      rows,
    );
  }
}

/** Adds passages as a block behind the others, which must be older. */
function* addBlock(entries: readonly Entry[]): Work<void> {
  const numbers = entries.map(({ passage }) => passage);
  const [first, last] = [Math.min(...numbers), Math.max(...numbers)];
  yield* perform("insert into passage_blocks (last, first, state) values (?, ?, 'whole')", last, first);
  for (const kind of ["word", "part"] as const) {
    const lists = new Map<string, [passages: number[], counts: number[]]>();
    for (const { passage, counts } of entries)
      for (const [term, n] of counts[kind]) {
        const list = lists.get(term) ?? [[], []];
        lists.set(term, list);
        list[0].push(passage);
        list[1].push(Math.min(n, 32_767));
      }
    yield* inStatements(
      `insert into passage_lists (kind, term, block, passages, counts)
       select '${kind}', e->>0, ?2::bigint, (e->>1)::int[], (e->>2)::smallint[]
       from jsonb_array_elements(?1::text::jsonb) e`,
      [...lists].map(([term, [passages, counts]]) => [term, `{${passages}}`, `{${counts}}`]),
      last,
    );
  }
}

function* inStatements(sql: string, rows: readonly Value[][], ...values: Value[]): Work<void> {
  for (let at = 0; at < rows.length; at += statementTerms)
    yield* perform(sql, JSON.stringify(rows.slice(at, at + statementTerms)), ...values);
}
