// What is deleted leaves nothing behind: FTS5 only marks what its indexes lose, and the journal holds pages
// as they were. So whatever deletes calls `begin`, and both are rewritten in small steps, between which
// others get their turn. FTS5's own secure-delete would do without steps, but one message of 4 kB took it 0.1
// s, and a conversation of fifty 5 s (measured, 12 MB of text beside); all steps for a file of 36 MB take 0.5
// s.

import type { Database } from "bun:sqlite";
import { emptyJournal, searchTables } from "./file.ts";

/** Pages of an index that one step writes: 5 to 10 ms (measured). */
const stepPages = 8;
/** Between two attempts while somebody else holds the file, in ms. */
const againMs = 1_000;
/** Between two such attempts of a process that ends, in ms. */
const waitMs = 50;
/**
 * How long a process that serves stays for it when it ends, in ms; what is left is done at the next start.
 */
const closeMs = 5_000;
/** How long a command does, in ms. */
const commandMs = 120_000;

export class Forgetting {
  readonly #db: Database;
  /** Indexes that are not rewritten yet; null: nothing is to be done. */
  #left: string[] | null = null;
  /** The first of them is under way. */
  #isBegun = false;
  /** More was deleted since this pass began. */
  #isMore = false;
  #timer: Timer | undefined;

  constructor(db: Database) {
    this.#db = db;
  }

  /** What another process has left to do. */
  resume(): void {
    if (this.#db.query("select 1 from settings where name = 'forgetting'").get() !== null) this.begin();
  }

  /**
   * To be called in the transaction that deletes. Nobody is kept waiting for what follows. `indexes`: those
   * that held what is deleted.
   */
  begin(indexes: readonly string[] = searchTables(this.#db)): void {
    if (this.#db.filename === ":memory:") return;
    if (this.#left !== null) {
      this.#isMore ||= indexes.length > 0;
      return;
    }
    // tells the next process to go on, if this one ends before
    this.#db.run("insert or ignore into settings (name, value) values ('forgetting', '')");
    this.#left = [...indexes];
    this.#later(0);
  }

  /** Goes on until nothing is left, for as long as such a process may take to end. */
  close(isServing: boolean): void {
    const until = performance.now() + (isServing ? closeMs : commandMs);
    while (this.#left !== null && performance.now() < until) if (!this.#step()) Bun.sleepSync(waitMs);
    clearTimeout(this.#timer);
  }

  #later(ms: number): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => {
      const isFree = this.#step();
      if (this.#left !== null) this.#later(isFree ? 0 : againMs);
    }, ms).unref();
  }

  /** False where somebody else holds the file, or there is no room, so that it must be tried again. */
  #step(): boolean {
    try {
      const [index] = this.#left ?? [];
      if (index === undefined) return this.#end();
      const before = this.#changes();
      // negative: everything becomes one segment in the end, in which nothing is marked as deleted
      // (https://sqlite.org/fts5.html#the_merge_command)
      this.#db.run(
        `insert into ${index} (${index}, rank) values ('merge', ${this.#isBegun ? stepPages : -stepPages})`,
      );
      this.#isBegun = this.#changes() - before >= 2; // fewer: there was nothing to do any more
      if (!this.#isBegun) this.#left?.shift();
      return true;
    } catch (error) {
      if (/^SQLITE_(BUSY|FULL|IOERR|READONLY)/.test(String((error as { code?: unknown }).code))) return false;
      throw error;
    }
  }

  #end(): boolean {
    if (this.#isMore) {
      this.#isMore = false;
      this.#left = searchTables(this.#db);
      return true;
    }
    if (!emptyJournal(this.#db)) return false;
    this.#db.run("delete from settings where name = 'forgetting'");
    this.#left = null;
    return true;
  }

  #changes(): number {
    return this.#db.query<{ changes: number }, []>("select total_changes() as changes").get()?.changes ?? 0;
  }
}
