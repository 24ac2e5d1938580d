// Passages in SQLite, found by an FTS5 index of their terms, ranked by BM25.

import type { IndexedPassage, Passage, PassageHit, WordQuery } from "../domain/document.ts";
import type { TermFrequencies } from "./collections.ts";
import type { Neighbours } from "./documents.ts";
import type { Queries } from "./queries.ts";

/** Weights of the index's columns in BM25: a long word that only holds what is looked for counts less. */
const weights = "1.0, 0.2, 0.0";
/** Passages of the index that one search looks at, at most. */
const lookedAtMax = 2_048;

interface PassageRow {
  page: number;
  from: number;
  to: number;
  headings: string;
  text: string;
}

interface PlacedRow extends PassageRow {
  collection: string;
  document: string;
  path: string;
  title: string | null;
}

interface HitRow extends PlacedRow {
  rank: number;
  state: string;
}

export class PassageTable {
  readonly #q: Queries;

  constructor(queries: Queries) {
    this.#q = queries;
  }

  /** Adds a passage to a document. Within a transaction of the caller. */
  add(passage: IndexedPassage, document: number, collection: number): void {
    const { page, start, end, headings, text, words, compounds } = passage;
    this.#q.run(
      `insert into passages (document, page, "from", "to", headings, text) values (?, ?, ?, ?, ?, ?)`,
      ...[document, page, start, end, JSON.stringify(headings), text],
    );
    this.#q.run(
      `insert into passage_search (rowid, words, compounds, collection)
       values (last_insert_rowid(), ?, ?, ?)`,
      words.join(" "),
      compounds.flatMap((word) => [word, backwards(word)]).join(" "),
      `c${collection}`,
    );
  }

  /** Passages of a document in its order. */
  of(document: number, from: number, limit: number): readonly Passage[] {
    const sql = `select page, "from", "to", headings, text from passages where document = ? order by seq
      limit ? offset ?`;
    return this.#q.all<PassageRow>(sql, document, limit, from).map(toPassage);
  }

  /** The passages with these numbers that can be found, where they are in one of the collections. */
  at(
    numbers: readonly number[],
    collections: readonly number[],
  ): ReadonlyMap<number, Omit<PassageHit, "score">> {
    const sql = `select c.name as collection, d.id as document, d.path, d.title, p.page, p."from", p."to",
        p.headings, p.text, d.collection as within
      from passages p join documents d on d.seq = p.document and d.state = 'searchable'
      join collections c on c.seq = d.collection and c.is_lost = 0 where p.seq = ?`;
    const found = new Map<number, Omit<PassageHit, "score">>();
    for (const seq of numbers) {
      const row = this.#q.one<PlacedRow & { within: number }>(sql, seq);
      if (row === null || !collections.includes(row.within)) continue;
      const { collection, document, path, title } = row;
      found.set(seq, { collection, document, path, title, ...toPassage(row) });
    }
    return found;
  }

  /** The passage that begins at `start` of a page, between its neighbours. */
  around(document: number, page: number, start: number): Neighbours | null {
    const columns = `select seq, page, "from", "to", headings, text from passages where document = ?`;
    const one = (rest: string, ...values: number[]) =>
      this.#q.one<PassageRow & { seq: number }>(`${columns} and ${rest}`, document, ...values);
    const found = one(`page = ? and "from" = ?`, page, start);
    if (found === null) return null;
    const [before, after] = [
      one("seq < ? order by seq desc limit 1", found.seq),
      one("seq > ? order by seq limit 1", found.seq),
    ];
    return {
      before: before && toPassage(before),
      passage: toPassage(found),
      after: after && toPassage(after),
    };
  }

  known(terms: readonly string[]): ReadonlySet<string> {
    const sql = "select 1 from passage_terms where term = ?";
    return new Set(terms.filter((term) => this.#q.one(sql, term) !== null));
  }

  frequencies(terms: readonly string[]): TermFrequencies {
    // counting them all would take as long as a search
    const { last } = this.#q.one("select max(seq) as last from passages") as { last: number | null };
    const sql = "select doc from passage_terms where term = ?";
    const counts = terms.map((term) => [term, this.#q.one<{ doc: number }>(sql, term)?.doc ?? 0] as const);
    return { passages: last ?? 0, of: new Map(counts.filter(([, count]) => count > 0)) };
  }

  /** The best passages in these collections. */
  search(query: WordQuery, collections: readonly number[], limit: number): readonly PassageHit[] {
    if (collections.length === 0 || query.words.length === 0) return [];
    // passages of documents that are being read or erased are in the index, too
    for (let looked = 4 * limit; ; looked *= 4) {
      const rows = this.#q.all<HitRow>(
        `select c.name as collection, d.id as document, d.path, d.title, d.state, p.page, p."from", p."to",
           p.headings, p.text, s.rank
         from (select rowid, bm25(passage_search, ${weights}) as rank from passage_search
               where passage_search match ? order by rank limit ?) s
         join passages p on p.seq = s.rowid join documents d on d.seq = p.document
         join collections c on c.seq = d.collection order by s.rank, p.seq`,
        ...[matching(query, collections), looked],
      );
      const found = rows.filter(({ state }) => state === "searchable").slice(0, limit);
      if (found.length === limit || rows.length < looked || looked >= lookedAtMax) return found.map(toHit);
    }
  }
}

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

function toPassage({ page, from, to, headings, text }: PassageRow): Passage {
  return { page, start: from, end: to, headings: JSON.parse(headings) as string[], text };
}

function toHit({ collection, document, path, title, rank, ...row }: HitRow): PassageHit {
  return { collection, document, path, title, ...toPassage(row), score: -rank };
}
