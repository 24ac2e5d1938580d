// The port to a database. Tables are written once, as work that yields statements; an engine runs it within a
// transaction. Work can't wait for anything else, so a transaction never stays open while something happens
// outside of the database.

import type { FoundPassage } from "../domain/conversation.ts";
import type { IndexedPassage, WordQuery } from "../domain/document.ts";
import type { PersonId } from "../domain/id.ts";
import type { IndexedModel, Near } from "./vectors.ts";

/** Yielded by work: resumes with the result of `kind`. */
export interface Statement {
  /** The first row or null; all rows; the number of changed rows; nothing: see `perform`, `announce`. */
  readonly kind: "one" | "all" | "change" | "perform" | "announce";
  /** With `?` for the next value, or `?1` for the first one. */
  readonly sql: string;
  readonly values: readonly Value[];
}

export type Value = string | number | null | Uint8Array;

/** Names of columns with their types. */
export type Columns = Readonly<Record<string, "text" | "bigint">>;

/** A condition in a result: 0 and 1 in one engine, false and true in another. */
export type Truth = number | boolean;

/**
 * Work on a database. Work that calls other work says `yield*`; without it the other one never runs. A
 * statement that fails ends the work: it can't be caught there.
 */
export type Work<T> = Generator<Statement, T, unknown>;

export function* one<Row>(sql: string, ...values: Value[]): Work<Row | null> {
  return (yield { kind: "one", sql, values }) as Row | null;
}

export function* all<Row>(sql: string, ...values: Value[]): Work<Row[]> {
  return (yield { kind: "all", sql, values }) as Row[];
}

/** Returns the number of changed rows. */
export function* change(sql: string, ...values: Value[]): Work<number> {
  return (yield { kind: "change", sql, values }) as number;
}

/**
 * Changes rows. Work goes on at once: an engine may send it with the next statement, and the work ends
 * there if it fails.
 */
export function* perform(sql: string, ...values: Value[]): Work<void> {
  yield { kind: "perform", sql, values };
}

/** Calls those who watch the database, in every process that has it open, once this is committed. */
export function* announce(): Work<void> {
  yield { kind: "announce", sql: "", values: [] };
}

/** Changes rows, then announces it. Returns their number. */
export function* changeAndAnnounce(sql: string, ...values: Value[]): Work<number> {
  const changed = yield* change(sql, ...values);
  yield* announce();
  return changed;
}

export interface Database {
  /**
   * Work that changes nothing. It sees one moment of the database.
   * @throws Failure `store_unwritable`, `store_damaged`
   */
  read<T>(work: () => Work<T>): Promise<T>;
  /**
   * Work in one transaction, as if no other ran meanwhile. It ends without effect when the work throws. Work
   * is made again when nothing was committed: what it does outside of the database must bear that.
   * @throws Failure `store_unwritable`, `store_damaged`
   */
  write<T>(work: () => Work<T>): Promise<T>;
  /** Calls `listener` after each `announce`. Returns a function that ends it. */
  watch(listener: () => void): () => void;
  /** A condition on rows whose `column` is one of `values`; `list` is the value of its `?`. */
  within(column: string, values: readonly string[]): { readonly condition: string; readonly list: Value };
  /** A table of these rows, with their places as `n`; `list` is the value of its `?`. */
  rows(columns: Columns, rows: readonly (readonly (string | number)[])[]): { table: string; list: Value };
  readonly conversationIndex: ConversationIndex;
  readonly passageIndex: PassageIndex;
  /** Null where the engine compares no vectors. */
  readonly vectorIndex: VectorIndex | null;
  readonly forgetting: Forgetting;
  close(): Promise<void>;
}

/** Finds titles and messages of a person by the words that they hold, at most `limit`, with excerpts. */
export interface ConversationIndex {
  /** Those with all these words, best first. The last word may be unfinished. */
  byWords(owner: PersonId, words: readonly string[], limit: number): Work<FoundPassage[]>;
  /** Those in which each of these is part of a word, newest first. */
  byParts(owner: PersonId, words: readonly string[], limit: number): Work<FoundPassage[]>;
}

/** Finds passages by their terms. Engines keep these in indexes of their own. */
export interface PassageIndex {
  /** Adds the terms of passages that are newer than all in the index; they go with their rows. */
  add(passages: readonly IndexedTerms[]): Work<void>;
  /** In how many passages each of these terms is; terms that are in none are left out. */
  frequencies(terms: readonly string[]): Work<Map<string, number>>;
  /**
   * The passages in these collections that match best, at most `limit`: a query for rows `(passage, rank)`,
   * and the values of its `?`. The best has the lowest rank.
   */
  matches(query: WordQuery, collections: readonly number[], limit: number): { sql: string; values: Value[] };
}

export type PassageTerms = Pick<IndexedPassage, "words" | "compounds">;

/** The terms of a passage with its number and that of its collection. */
export interface IndexedTerms {
  readonly passage: number;
  readonly collection: number;
  readonly terms: PassageTerms;
}

/** Compares vectors. It has copies of what the tables hold. */
export interface VectorIndex {
  /** Longest vectors that it takes; longer ones are left out. */
  readonly dimsMax: number;
  /** Makes the index of a model, if there is none. Those of models that have no vectors any more go. */
  open(model: IndexedModel): Work<void>;
  /** Vectors of a model that it has no copy of, in the order of their passages, from the one after `after`. */
  lacking(model: IndexedModel, after: number, limit: number): Work<readonly PlacedVector[]>;
  /** Copies vectors of a model, in place of those that another model made; they go with their passages. */
  add(model: number, vectors: readonly PlacedVector[]): Work<void>;
  /** See `NearestVectors`. */
  near(model: IndexedModel, question: Int8Array, collections: readonly number[], limit: number): Work<Near>;
}

/** A vector with the numbers of its passage and of its collection. */
export interface PlacedVector {
  readonly passage: number;
  readonly collection: number;
  readonly values: Int8Array;
}

/** Removes what an engine keeps of deleted rows. */
export interface Forgetting {
  /**
   * Must be called within the transaction that deletes; the work happens later. "texts": a search index held
   * what was deleted; "rows": none did.
   */
  begin(what: "texts" | "rows"): Work<void>;
  /** Continues the work that another process has left. */
  resume(): Work<void>;
}

/** Listens to the state of the database. */
export interface ChangeListener {
  /** Duration of each transaction that may write, in ms. */
  stored?(ms: number): void;
  /** Called once when the database is damaged, with one line for the operator. */
  damaged?(line: string): void;
  /** Called with a line for the operator where the database can't do something that parlor then does itself. */
  lacks?(line: string): void;
  /** The term of this process while it leads, which its writes are checked by; 0: they are not. */
  term?(): number;
  /** Called when a write was refused because another process leads. */
  deposed?(): void;
}
