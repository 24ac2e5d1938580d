// The table of collections. One that is removed is only marked as lost here; store/lost-content erases it.

import type { Collection, ListedCollection, PassageHit, WordQuery } from "../domain/document.ts";
import { Failure } from "../domain/failure.ts";
import { type CollectionId, newId, type PersonId } from "../domain/id.ts";
import type { Collections, PassageRange, TermFrequencies } from "./collections.ts";
import { all, change, type Database, one, type Work } from "./database.ts";
import { PassageTable } from "./passage-table.ts";
import { idsIn } from "./stored-json.ts";

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
  readonly #db: Database;
  readonly #passages: PassageTable;

  constructor(db: Database) {
    this.#db = db;
    this.#passages = new PassageTable(db);
  }

  reachable(person: PersonId | null): Promise<readonly ListedCollection[]> {
    return this.#db.read(() => this.#listed("and c.owner in (?, ?)", house, person ?? house));
  }

  all(): Promise<readonly ListedCollection[]> {
    return this.#db.read(() => this.#listed(""));
  }

  named(person: PersonId, names: readonly string[]): Promise<readonly (Collection | null)[]> {
    return this.#db.read(() => this.#named(person, names));
  }

  async collection(id: CollectionId): Promise<Collection | null> {
    const sql = "select * from collections where id = ? and is_lost = 0";
    const row = await this.#db.read(() => one<CollectionRow>(sql, id));
    return row && toCollection(row);
  }

  find(owner: PersonId | null, name: string): Promise<Collection | null> {
    return this.#db.read(() => this.#find(owner, name));
  }

  async chosenBy(person: PersonId): Promise<ReadonlyMap<CollectionId, number>> {
    const sql = `select documents, count(*) as conversations from conversations
      where owner = ? and deleted_at is null and documents is not null group by documents`;
    const rows = await this.#db.read(() => all<{ documents: string; conversations: number }>(sql, person));
    const counts = new Map<CollectionId, number>();
    for (const { documents, conversations } of rows)
      for (const id of idsIn(documents)) counts.set(id, (counts.get(id) ?? 0) + conversations);
    return counts;
  }

  async add(owner: PersonId | null, name: string, folder: string | null): Promise<Collection> {
    const id = newId();
    const sql = `insert into collections (id, owner, name, folder, created_at) values (?, ?, ?, ?, ?)
      on conflict (owner, name) do nothing`;
    const values = [id, owner ?? house, name, folder ?? "", Date.now()];
    const added = await this.#db.write(() => change(sql, ...values));
    if (added === 0) throw new Failure("name_taken", { name });
    return { id, owner, name, folder };
  }

  async remove(id: CollectionId): Promise<void> {
    await this.#db.write(() => this.#lose("id = ?", id));
  }

  /** Removes all collections of a person. */
  *removeAllOf(owner: PersonId): Work<void> {
    yield* this.#lose("owner = ?", owner);
  }

  known(terms: readonly string[]): Promise<ReadonlySet<string>> {
    return this.#db.read(() => this.#passages.known(terms));
  }

  frequencies(terms: readonly string[]): Promise<TermFrequencies> {
    return this.#db.read(() => this.#passages.frequencies(terms));
  }

  search(query: WordQuery, range: PassageRange): Promise<readonly PassageHit[]> {
    return this.#db.read(() => this.#search(query, range));
  }

  *#named(person: PersonId, names: readonly string[]): Work<(Collection | null)[]> {
    const found: (Collection | null)[] = [];
    for (const name of names)
      found.push((yield* this.#find(null, name)) ?? (yield* this.#find(person, name)));
    return found;
  }

  *#search(query: WordQuery, { collections, limit }: PassageRange): Work<readonly PassageHit[]> {
    const { condition, list } = this.#db.within("id", collections);
    const sql = `select seq from collections where is_lost = 0 and ${condition} order by seq`;
    const seqs = (yield* all<{ seq: number }>(sql, list)).map(({ seq }) => seq);
    return yield* this.#passages.search(query, seqs, limit);
  }

  *#listed(condition: string, ...values: string[]): Work<readonly ListedCollection[]> {
    const rows = yield* all<ListedRow>(
      `select c.*, count(case d.state when 'searchable' then 1 end) as documents,
         cast(coalesce(sum(case d.state when 'searchable' then d.passages end), 0) as bigint) as passages,
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

  *#find(owner: PersonId | null, name: string): Work<Collection | null> {
    const sql = "select * from collections where owner = ? and name = ?";
    const row = yield* one<CollectionRow>(sql, owner ?? house, name);
    return row && toCollection(row);
  }

  /** Its name is overwritten, and free again. */
  *#lose(which: string, value: string): Work<void> {
    const sql = `update collections set is_lost = 1, owner = id, name = '', folder = ''
      where ${which} and is_lost = 0`;
    if ((yield* change(sql, value)) > 0) yield* this.#db.forgetting.begin("texts");
  }
}

function toCollection({ id, owner, name, folder }: CollectionRow): Collection {
  return { id, owner: owner === house ? null : owner, name, folder: folder === "" ? null : folder };
}
