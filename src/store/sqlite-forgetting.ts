// Removes the traces of deleted text. FTS5 only marks deleted entries of its indexes, and the journal holds
// old versions of pages. Code that deletes calls `begin`; then both are rewritten in small steps, with other
// work in between. FTS5's own secure-delete needs no steps, but took 0.1 s for a message of 4 kB and 5 s for
// a conversation of fifty (measured, beside 12 MB of text); all steps for a file of 36 MB take 0.5 s.

import type { Database } from "bun:sqlite";
import { change, type Forgetting, one, type Work } from "./database.ts";
import { emptyJournal, searchTables } from "./file.ts";
import { eraseLostContent, eraseLostDocuments } from "./lost-content.ts";

/** Pages of an index that one step writes. A step takes 5 to 10 ms (measured). */
const stepPages = 8;
const passageIndex = "passage_search";
/** Passages that are erased at least before their index is rewritten. */
const erasedMin = 4_000;
/** Wait between two attempts while another process holds the file, in ms. */
const againMs = 1_000;
/** The same wait of a process that is ending, in ms. */
const waitMs = 50;
/** Longest time that this delays the end of a serving process, in ms. The next start does the rest. */
const closeMs = 5_000;
/** Longest time that this delays the end of a command, in ms. */
const commandMs = 120_000;

export class SqliteForgetting implements Forgetting {
  readonly #db: Database;
  /** Runs work at once, without a transaction. */
  readonly #now: <T>(work: Work<T>) => T;
  /** Indexes that must be rewritten; null: nothing to do. */
  #pending: string[] | null = null;
  /** True while the first of them is being rewritten. */
  #isMerging = false;
  /** True when more was deleted since this pass began. */
  #isDeletedSince = false;
  /** Passages that were erased since their index was rewritten, and how many may be before it is again. */
  #erased = 0;
  #erasedMax = 0;
  #timer: Timer | undefined;

  constructor(db: Database, now: <T>(work: Work<T>) => T) {
    this.#db = db;
    this.#now = now;
  }

  *resume(): Work<void> {
    if (yield* one("select 1 from settings where name = 'forgetting'")) yield* this.begin("texts");
  }

  *begin(what: "texts" | "rows"): Work<void> {
    if (this.#db.filename === ":memory:") {
      while (yield* eraseLostContent());
      while ((yield* eraseLostDocuments()) !== null);
      return;
    }
    if (this.#pending !== null) {
      this.#isDeletedSince ||= what === "texts";
      return;
    }
    // tells the next process to go on, if this one ends before
    yield* change("insert into settings (name, value) values ('forgetting', '') on conflict do nothing");
    this.#pending = what === "texts" ? searchTables(this.#db) : [];
    this.#later(0);
  }

  /** Works until nothing is left, within the bound for such a process. */
  close(isServing: boolean): void {
    const until = performance.now() + (isServing ? closeMs : commandMs);
    while (this.#pending !== null && performance.now() < until) if (!this.#step()) Bun.sleepSync(waitMs);
    clearTimeout(this.#timer);
  }

  #later(ms: number): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => {
      const isFree = this.#step();
      if (this.#pending !== null) this.#later(isFree ? 0 : againMs);
    }, ms).unref();
  }

  /** False when the step must be repeated: another process holds the file, or the disk is full. */
  #step(): boolean {
    try {
      if (this.#now(eraseLostContent()) || this.#eraseDocuments()) return true;
      const [index] = this.#pending ?? [];
      if (index === undefined) return this.#end();
      const before = this.#changes();
      // a negative number merges everything into one segment without deleted entries
      // (https://sqlite.org/fts5.html#the_merge_command)
      this.#db.run(
        `insert into ${index} (${index}, rank) values ('merge', ${this.#isMerging ? stepPages : -stepPages})`,
      );
      this.#isMerging = this.#changes() - before >= 2; // fewer changes: nothing was left to merge
      if (!this.#isMerging) this.#pending?.shift();
      if (this.#pending?.length === 0) this.#erased = 0;
      return true;
    } catch (error) {
      if (/^SQLITE_(BUSY|FULL|IOERR|READONLY)/.test(String((error as { code?: unknown }).code))) return false;
      throw error;
    }
  }

  /**
   * Erases some passages of lost documents; false when nothing is left to do for now. A step of a merge ends
   * after so many pages that it has written, so among many erased entries and few others it would read for
   * long: the index is rewritten each time that half of it is erased.
   */
  #eraseDocuments(): boolean {
    if (this.#erased > 0 && this.#erased >= this.#erasedMax) {
      this.#isDeletedSince = true;
      return false;
    }
    const erased = this.#now(eraseLostDocuments());
    if (erased === null) return false;
    // their entries are in an index that this pass may not rewrite, or has begun to rewrite
    if (erased > 0 && (this.#isMerging || !this.#pending?.includes(passageIndex)))
      this.#isDeletedSince = true;
    if (this.#erased === 0) this.#erasedMax = Math.max(erasedMin, this.#count() / 2);
    this.#erased += erased;
    return true;
  }

  #count(): number {
    return this.#db.query<{ n: number }, []>("select count(*) as n from passages").get()?.n ?? 0;
  }

  #end(): boolean {
    if (this.#isDeletedSince) {
      this.#isDeletedSince = false;
      this.#pending = searchTables(this.#db);
      return true;
    }
    if (!emptyJournal(this.#db)) return false;
    this.#db.run("delete from settings where name = 'forgetting'");
    this.#pending = null;
    return true;
  }

  #changes(): number {
    return this.#db.query<{ changes: number }, []>("select total_changes() as changes").get()?.changes ?? 0;
  }
}
