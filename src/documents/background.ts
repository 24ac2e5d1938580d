// Reads the documents that were added one by one: one after the other, behind everything else. Those that a
// process leaves unread are read by the next one.

import type { StoredDocument } from "../domain/document.ts";
import { asFailure } from "../domain/failure.ts";
import type { Store } from "../store/store.ts";
import type { Extractor } from "./extractor.ts";
import { indexedPassages } from "./indexing.ts";

/** Wait before another attempt when the database could not be written, in ms. */
const againMs = 10_000;

interface BackgroundDependencies {
  readonly store: Pick<Store, "documents" | "files">;
  readonly extractor: Extractor;
  bug(error: unknown): void;
}

export class BackgroundReader {
  readonly #deps: BackgroundDependencies;
  readonly #abort = new AbortController();
  #work: Promise<void> | null = null;
  #isAskedAgain = false;
  #timer: Timer | undefined;

  constructor(deps: BackgroundDependencies) {
    this.#deps = deps;
  }

  /** Reads all documents that wait; returns at once. */
  wake(): void {
    this.#isAskedAgain = this.#work !== null;
    this.#work ??= this.#readAll().finally(() => {
      this.#work = null;
      if (this.#isAskedAgain) this.wake();
    });
  }

  /** Ends the reading. The document that is being read stays as one that waits. */
  async stop(): Promise<void> {
    clearTimeout(this.#timer);
    this.#abort.abort();
    await this.#work;
  }

  async #readAll(): Promise<void> {
    const { documents } = this.#deps.store;
    try {
      for (
        let next = await documents.next();
        next && !this.#abort.signal.aborted;
        next = await documents.next()
      )
        await this.#read(next);
    } catch (error) {
      if (!isOfStore(error)) this.#deps.bug(error);
      if (!this.#abort.signal.aborted) this.#timer = setTimeout(() => this.wake(), againMs).unref();
    }
  }

  /** @throws Failure of the store */
  async #read({ id, path, file }: StoredDocument): Promise<void> {
    const { store, extractor, bug } = this.#deps;
    const { signal } = this.#abort;
    try {
      const read = await extractor.extract(store.files.content(file ?? ""), path, signal);
      const { title, pages, picturePages } = read;
      const facts = { title, pages: pages.length, picturePages };
      await store.documents.fill(id, facts, indexedPassages(path, read, { signal }));
    } catch (error) {
      if (signal.aborted) return;
      if (isOfStore(error)) throw error;
      if (asFailure(error).code === "internal") bug(error);
      await store.documents.refuse(id, asFailure(error).report);
    }
  }
}

const isOfStore = (error: unknown): boolean => asFailure(error).code.startsWith("store_");
