// Collections in SQLite. One that is removed is only marked as lost here; store/lost-content erases it.

import type { Collection, ListedCollection, PassageHit, WordQuery } from "../domain/document.ts";
import { Failure } from "../domain/failure.ts";
import { type CollectionId, newId, type PersonId } from "../domain/id.ts";
import type { Collections, PassageRange, TermFrequencies } from "./collections.ts";
import { PassageTable } from "./passage-table.ts";
import type { Queries } from "./queries.ts";

/** The house as an owner in the table. */
const house = "";

interface CollectionRow {
  seq: number;
  id: string;
  owner: string;
  name: string;
  folder: string;
}

interface ListedRow extends CollectionRow {
  documents: number;
  passages: number;
  reading: number;
  refused: number;
}

export class CollectionTable implements Collections {
  readonly #q: Queries;
  readonly #passages: PassageTable;

  constructor(queries: Queries) {
    this.#q = queries;
    this.#passages = new PassageTable(queries);
  }

  async reachable(person: PersonId | null): Promise<readonly ListedCollection[]> {
    return this.#listed("and c.owner in (?, ?)", house, person ?? house);
  }

  async all(): Promise<readonly ListedCollection[]> {
    return this.#listed("");
  }

  async named(person: PersonId, names: readonly string[]): Promise<readonly (Collection | null)[]> {
    return names.map((name) => this.#find(null, name) ?? this.#find(person, name));
  }

  async collection(id: CollectionId): Promise<Collection | null> {
    const row = this.#q.one<CollectionRow>("select * from collections where id = ? and is_lost = 0", id);
    return row && toCollection(row);
  }

  async find(owner: PersonId | null, name: string): Promise<Collection | null> {
    return this.#find(owner, name);
  }

  async chosenBy(person: PersonId): Promise<ReadonlyMap<CollectionId, number>> {
    const sql = `select value as id, count(*) as conversations from conversations, json_each(documents)
      where owner = ? and deleted_at is null and documents is not null group by value`;
    const rows = this.#q.all<{ id: string; conversations: number }>(sql, person);
    return new Map(rows.map(({ id, conversations }) => [id, conversations]));
  }

  async add(owner: PersonId | null, name: string, folder: string | null): Promise<Collection> {
    const id = newId();
    const added = this.#q.run(
      `insert into collections (id, owner, name, folder, created_at) values (?, ?, ?, ?, ?)
       on conflict (owner, name) do nothing`,
      ...[id, owner ?? house, name, folder ?? "", Date.now()],
    );
    if (added === 0) throw new Failure("name_taken", { name });
    return { id, owner, name, folder };
  }

  async remove(id: CollectionId): Promise<void> {
    this.#q.transaction(() => this.#lose("id = ?", id));
  }

  /** Removes all collections of a person. Within a transaction of the caller. */
  removeAllOf(owner: PersonId): void {
    this.#lose("owner = ?", owner);
  }

  async known(terms: readonly string[]): Promise<ReadonlySet<string>> {
    return this.#passages.known(terms);
  }

  async frequencies(terms: readonly string[]): Promise<TermFrequencies> {
    return this.#passages.frequencies(terms);
  }

  async search(query: WordQuery, { collections, limit }: PassageRange): Promise<readonly PassageHit[]> {
    const seqs = [...new Set(collections)].flatMap((id) => this.#seqOf(id) ?? []);
    return this.#passages.search(query, seqs, limit);
  }

  #listed(condition: string, ...values: string[]): readonly ListedCollection[] {
    const rows = this.#q.all<ListedRow>(
      `select c.*, count(case d.state when 'searchable' then 1 end) as documents,
         coalesce(sum(case d.state when 'searchable' then d.passages end), 0) as passages,
         count(case d.state when 'reading' then 1 end) as reading,
         count(case d.state when 'refused' then 1 end) as refused
       from collections c left join documents d on d.collection = c.seq
       where c.is_lost = 0 and c.content is null ${condition} group by c.seq order by c.name, c.owner`,
      ...values,
    );
    return rows.map(({ documents, passages, reading, refused, ...row }) => ({
      ...toCollection(row),
      ...{ documents, passages, reading, refused },
    }));
  }

  #find(owner: PersonId | null, name: string): Collection | null {
    const sql = "select * from collections where owner = ? and name = ?";
    const row = this.#q.one<CollectionRow>(sql, owner ?? house, name);
    return row && toCollection(row);
  }

  #seqOf(id: CollectionId): number | null {
    const sql = "select seq from collections where id = ? and is_lost = 0";
    return this.#q.one<{ seq: number }>(sql, id)?.seq ?? null;
  }

  /** Within a transaction of the caller. Its name is overwritten, and free again. */
  #lose(which: string, value: string): void {
    const sql = `update collections set is_lost = 1, owner = id, name = '', folder = ''
      where ${which} and is_lost = 0`;
    if (this.#q.run(sql, value) > 0) this.#q.now(this.#q.forgetting.begin("texts"));
  }
}

function toCollection({ id, owner, name, folder }: CollectionRow): Collection {
  return { id, owner: owner === house ? null : owner, name, folder: folder === "" ? null : folder };
}
