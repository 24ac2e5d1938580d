// The table of passages.

import type { IndexedPassage, Passage, PassageHit, WordQuery } from "../domain/document.ts";
import type { TermFrequencies } from "./collections.ts";
import { all, type Database, type IndexedTerms, one, type Work } from "./database.ts";
import type { Neighbours } from "./documents.ts";

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

type PlacedPassage = Omit<PassageHit, "score">;

export class PassageTable {
  readonly #db: Database;

  constructor(db: Database) {
    this.#db = db;
  }

  /** Adds passages to a document. */
  *add(passages: readonly IndexedPassage[], document: number, collection: number): Work<void> {
    const sql = `insert into passages (document, page, "from", "to", headings, text) values (?, ?, ?, ?, ?, ?)
      returning seq`;
    const indexed: IndexedTerms[] = [];
    for (const terms of passages) {
      const { page, start, end, headings, text } = terms;
      const values = [document, page, start, end, JSON.stringify(headings), text];
      const { seq: passage } = (yield* one<{ seq: number }>(sql, ...values)) as { seq: number };
      indexed.push({ passage, collection, terms });
    }
    yield* this.#db.passageIndex.add(indexed);
  }

  /** Passages of a document in its order. */
  *of(document: number, from: number, limit: number): Work<readonly Passage[]> {
    const sql = `select page, "from", "to", headings, text from passages where document = ? order by seq
      limit ? offset ?`;
    return (yield* all<PassageRow>(sql, document, limit, from)).map(toPassage);
  }

  /** The passages with these numbers that can be found, where they are in one of the collections. */
  *at(numbers: readonly number[], collections: readonly number[]): Work<ReadonlyMap<number, PlacedPassage>> {
    const asked = this.#db.rows(
      { seq: "bigint" },
      numbers.map((seq) => [seq]),
    );
    const sql = `select c.name as collection, d.id as document, d.path, d.title, p.page, p."from", p."to",
        p.headings, p.text, p.seq, d.collection as within
      from ${asked.table} a join passages p on p.seq = a.seq
      join documents d on d.seq = p.document and d.state = 'searchable'
      join collections c on c.seq = d.collection and c.is_lost = 0`;
    const found = new Map<number, PlacedPassage>();
    for (const row of yield* all<PlacedRow & { seq: number; within: number }>(sql, asked.list)) {
      if (!collections.includes(row.within)) continue;
      const { collection, document, path, title } = row;
      found.set(row.seq, { collection, document, path, title, ...toPassage(row) });
    }
    return found;
  }

  /** The passage that begins at `start` of a page, between its neighbours. */
  *around(document: number, page: number, start: number): Work<Neighbours | null> {
    const columns = `select seq, page, "from", "to", headings, text from passages where document = ?`;
    const near = (rest: string, ...values: number[]) =>
      one<PassageRow & { seq: number }>(`${columns} and ${rest}`, document, ...values);
    const found = yield* near(`page = ? and "from" = ?`, page, start);
    if (found === null) return null;
    const before = yield* near("seq < ? order by seq desc limit 1", found.seq);
    const after = yield* near("seq > ? order by seq limit 1", found.seq);
    return {
      before: before && toPassage(before),
      passage: toPassage(found),
      after: after && toPassage(after),
    };
  }

  *known(terms: readonly string[]): Work<ReadonlySet<string>> {
    return new Set((yield* this.#db.passageIndex.frequencies(terms)).keys());
  }

  *frequencies(terms: readonly string[]): Work<TermFrequencies> {
    // counting them all would take as long as a search
    const row = yield* one<{ last: number | null }>("select max(seq) as last from passages");
    return { passages: row?.last ?? 0, of: yield* this.#db.passageIndex.frequencies(terms) };
  }

  /** The best passages in these collections. */
  *search(query: WordQuery, collections: readonly number[], limit: number): Work<readonly PassageHit[]> {
    if (collections.length === 0 || query.words.length === 0) return [];
    // passages of documents that are being read or erased are in the index, too
    for (let looked = 4 * limit; ; looked *= 4) {
      const { sql, values } = this.#db.passageIndex.matches(query, collections, looked);
      const rows = yield* all<HitRow>(
        `select c.name as collection, d.id as document, d.path, d.title, d.state, p.page, p."from", p."to",
           p.headings, p.text, s.rank
         from (${sql}) s join passages p on p.seq = s.passage join documents d on d.seq = p.document
         join collections c on c.seq = d.collection order by s.rank, p.seq`,
        ...values,
      );
      const found = rows.filter(({ state }) => state === "searchable").slice(0, limit);
      if (found.length === limit || rows.length < looked || looked >= lookedAtMax) return found.map(toHit);
    }
  }
}

function toPassage({ page, from, to, headings, text }: PassageRow): Passage {
  return { page, start: from, end: to, headings: JSON.parse(headings) as string[], text };
}

function toHit({ collection, document, path, title, rank, ...row }: HitRow): PassageHit {
  return { collection, document, path, title, ...toPassage(row), score: -rank };
}
