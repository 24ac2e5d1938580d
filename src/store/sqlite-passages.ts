// The index of passages in SQLite: FTS5 over their terms, ranked by BM25. Triggers of the schema remove what
// belongs to deleted passages.

import type { WordQuery } from "../domain/document.ts";
import { change, type IndexedTerms, one, type PassageIndex, type Value, type Work } from "./database.ts";

/** Weights of the index's columns in BM25: a long word that only holds what is looked for counts less. */
const weights = "1.0, 0.2, 0.0";

export const sqlitePassages: PassageIndex = {
  *add(passages: readonly IndexedTerms[]): Work<void> {
    const sql = "insert into passage_search (rowid, words, compounds, collection) values (?, ?, ?, ?)";
    for (const { passage, collection, terms } of passages) {
      const parts = terms.compounds.flatMap((word) => [word, backwards(word)]);
      yield* change(sql, passage, terms.words.join(" "), parts.join(" "), `c${collection}`);
    }
  },

  *frequencies(terms: readonly string[]): Work<Map<string, number>> {
    const sql = "select doc from passage_terms where term = ?";
    const found = new Map<string, number>();
    for (const term of terms) {
      const row = yield* one<{ doc: number }>(sql, term);
      if (row) found.set(term, row.doc);
    }
    return found;
  },

  matches(query: WordQuery, collections: readonly number[], limit: number): { sql: string; values: Value[] } {
    const sql = `select rowid as passage, bm25(passage_search, ${weights}) as rank from passage_search
      where passage_search match ? order by rank limit ?`;
    return { sql, values: [matching(query, collections), limit] };
  },
};

const backwards = (word: string): string => [...word].reverse().join("");

/** The query in FTS5's language (https://sqlite.org/fts5.html#full_text_query_syntax). */
function matching({ words, fragments }: WordQuery, collections: readonly number[]): string {
  const quoted = (term: string) => `"${term.replaceAll('"', '""')}"`;
  const any = [
    ...words.map((word) => `words : ${quoted(word)}`),
    ...fragments.flatMap((part) => [part, backwards(part)]).map((part) => `compounds : ${quoted(part)} *`),
  ];
  const inside = collections.map((seq) => `collection : "c${seq}"`);
  return `(${inside.join(" OR ")}) AND (${any.join(" OR ")})`;
}
