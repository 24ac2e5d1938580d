// Tells when something has changed that decides what people may do or see: in this process, or in another one
// that has the file open.

import type { Database } from "bun:sqlite";

/**
 * Interval of the checks for another process's changes, in ms: a session that `parlor user` ends is over in a
 * second.
 */
const lookMs = 400;

export class SqliteChanges {
  readonly #listeners = new Set<() => void>();
  #timer: Timer | null = null;
  #version: number;
  readonly #db: Database;

  constructor(db: Database) {
    this.#db = db;
    this.#version = this.#look();
  }

  watch(listener: () => void): () => void {
    this.#listeners.add(listener);
    // changes when another connection has written (https://sqlite.org/pragma.html#pragma_data_version)
    this.#timer ??= setInterval(() => {
      const version = this.#look();
      if (version === this.#version) return;
      this.#version = version;
      this.tell();
    }, lookMs);
    this.#timer.unref();
    return () => this.#listeners.delete(listener);
  }

  tell(): void {
    for (const listener of this.#listeners) listener();
  }

  close(): void {
    if (this.#timer) clearInterval(this.#timer);
    this.#listeners.clear();
  }

  #look(): number {
    return this.#db.query<{ data_version: number }, []>("pragma data_version").get()?.data_version ?? 0;
  }
}
