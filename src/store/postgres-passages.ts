// The index of passages in PostgreSQL: a table of their terms, ranked by BM25.

import type { WordQuery } from "../domain/document.ts";
import { all, change, type PassageIndex, type PassageTerms, type Value, type Work } from "./database.ts";

/** Weight of a long word that only holds what is looked for. */
const partWeight = 0.2;

/** The beginning of terms `?`, as a range. */
const begins = "t.term >= q.term and t.term < q.term || chr(1114111)";

export const postgresPassages: PassageIndex = {
  *add(passage: number, collection: number, { words, compounds }: PassageTerms): Work<void> {
    const parts = compounds.flatMap((word) => [word, backwards(word)]);
    for (const [kind, terms] of [
      ["word", words],
      ["part", parts],
    ] as const)
      yield* change(
        `insert into passage_terms (term, kind, passage, collection, n, size)
         select key, ?::text, ?::bigint, ?::bigint, value::bigint, ?::bigint
         from jsonb_each_text(?::text::jsonb)`,
        ...[kind, passage, collection, terms.length, counted(terms)],
      );
  },

  *frequencies(terms: readonly string[]): Work<Map<string, number>> {
    const sql = `select t.term, count(*) as n from passage_terms t
      join jsonb_array_elements_text(?::text::jsonb) q (term) on t.term = q.term
      where t.kind = 'word' group by t.term`;
    const rows = yield* all<{ term: string; n: number }>(sql, JSON.stringify(terms));
    return new Map(rows.map(({ term, n }) => [term, n]));
  },

  // BM25 as SQLite's FTS5 computes it, with its k1 = 1.2 and b = 0.75
  matches(query: WordQuery, collections: readonly number[], limit: number): { sql: string; values: Value[] } {
    const sql = `with hits as (
        select q.term as asked, 1.0::float8 as weight, t.passage, t.n, t.size, t.collection
        from jsonb_array_elements_text(?1::text::jsonb) q (term)
        join passage_terms t on t.kind = 'word' and t.term = q.term
        union all
        select q.term, ${partWeight}::float8, t.passage, t.n, t.size, t.collection
        from jsonb_array_elements_text(?2::text::jsonb) q (term)
        join passage_terms t on t.kind = 'part' and ${begins}
      ), house as (select count(*)::float8 as n from passages),
      found as (
        select asked, weight, count(distinct passage) as n, avg(size)::float8 as size
        from hits group by asked, weight
      ), rare as (
        select asked, weight, f.size, greatest(0.000001, ln((house.n - f.n + 0.5) / (f.n + 0.5))) as idf
        from found f, house
      )
      select h.passage, -sum(r.idf * h.weight * h.n * 2.2
          / (h.n + 1.2 * (0.25 + 0.75 * h.size / greatest(r.size, 1))))::float8 as rank
      from hits h join rare r on r.asked = h.asked and r.weight = h.weight
      where h.collection in (select value::bigint from jsonb_array_elements_text(?3::text::jsonb))
      group by h.passage order by rank limit ?4`;
    const parts = query.fragments.flatMap((part) => [part, backwards(part)]);
    return { sql, values: [...[query.words, parts, collections].map((each) => JSON.stringify(each)), limit] };
  },
};

const backwards = (word: string): string => [...word].reverse().join("");

/** How often each term occurs, as JSON. */
function counted(terms: readonly string[]): string {
  const counts = new Map<string, number>();
  for (const term of terms) counts.set(term, (counts.get(term) ?? 0) + 1);
  return JSON.stringify(Object.fromEntries(counts));
}
