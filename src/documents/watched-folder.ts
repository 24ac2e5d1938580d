// The operator's folder of documents: each folder in it is a collection of the house with its name. Follows
// what is put there, changed and taken away, by the system's notices and by a look from time to time, since
// network drives give none.

import { type FSWatcher, watch } from "node:fs";
import { readdir, stat } from "node:fs/promises";
import { dirname, join, sep } from "node:path";
import type { Collection } from "../domain/document.ts";
import { Failure } from "../domain/failure.ts";
import type { Store } from "../store/store.ts";
import type { Log } from "../telemetry/log.ts";
import type { Extractor } from "./extractor.ts";
import { type FolderMemory, type IndexBounds, indexFolder } from "./indexing.ts";

export interface WatchBounds extends IndexBounds {
  /** Time between two looks without a notice, in ms. */
  readonly documentsLookMs: number;
  /** A file that changed within this time is perhaps still being written, in ms. */
  readonly documentsSettleMs: number;
}

interface WatchDependencies {
  /** Absolute path. It need not be there. */
  readonly folder: string;
  /** Folders in it whose files are complete at the first look, however new they are. */
  readonly complete?: readonly string[];
  readonly store: Pick<Store, "collections" | "documents">;
  readonly extractor: Extractor;
  readonly bounds: WatchBounds;
  readonly log: Log;
  bug(error: unknown): void;
}

/** A look begins after this many times what the one before took, but not later than one without a notice. */
const restFactor = 10;

export class WatchedFolder {
  readonly #deps: WatchDependencies;
  readonly #abort = new AbortController();
  readonly #memories = new Map<string, FolderMemory>();
  /** Folders in it that a notice was about, or in which files were still being written. */
  #due = new Set<string>();
  /** What was logged of each folder, so that it is logged once. */
  readonly #said = new Map<string, string>();
  readonly #complete: Set<string>;
  #watcher: FSWatcher | null = null;
  /** The system's number of the folder that is watched. */
  #inode = 0;
  #timer: Timer | undefined;
  #dueAt = Infinity;
  #allDueAt = 0;
  #work: Promise<void> | null = null;

  constructor(deps: WatchDependencies) {
    this.#deps = deps;
    this.#complete = new Set(deps.complete);
  }

  /** Begins to follow the folder; returns at once. */
  start(): void {
    this.#lookIn(0);
  }

  /** Ends it. A document that is being read is read by the next process. */
  async stop(): Promise<void> {
    this.#abort.abort();
    clearTimeout(this.#timer);
    this.#unwatch();
    await this.#work;
  }

  #lookIn(ms: number): void {
    const at = performance.now() + ms;
    if (this.#abort.signal.aborted || this.#work !== null || at >= this.#dueAt) return;
    clearTimeout(this.#timer);
    this.#dueAt = at;
    this.#timer = setTimeout(() => {
      this.#work = this.#look();
    }, ms).unref();
  }

  /** Never rejects. */
  async #look(): Promise<void> {
    const { bounds, folder } = this.#deps;
    const startedAt = performance.now();
    try {
      await this.#follow();
      this.#said.delete(folder);
    } catch (error) {
      this.#fail(folder, error);
    }
    this.#work = null;
    this.#dueAt = Infinity;
    const restMs = Math.min(restFactor * (performance.now() - startedAt), bounds.documentsLookMs);
    const soonMs = Math.max(bounds.documentsSettleMs, restMs);
    this.#lookIn(this.#due.size > 0 ? soonMs : Math.max(this.#allDueAt - performance.now(), soonMs));
  }

  async #follow(): Promise<void> {
    const { folder, store, bounds } = this.#deps;
    const isAll = performance.now() >= this.#allDueAt;
    if (isAll) this.#allDueAt = performance.now() + bounds.documentsLookMs;
    const there = await stat(folder).catch(() => null);
    if (!there?.isDirectory()) return this.#unwatch();
    // watched before the look: what changes meanwhile gives a notice
    if (this.#watcher === null || this.#inode !== there.ino) this.#watch(there.ino);
    const due = this.#due;
    this.#due = new Set();
    const names = await foldersIn(folder);
    const known = (await store.collections.reachable(null)).filter(
      (each) => each.folder !== null && dirname(each.folder) === folder,
    );
    for (const { id, folder: of } of known)
      if (!names.some((name) => join(folder, name) === of)) {
        await store.collections.remove(id);
        this.#memories.delete(id);
      }
    for (const name of names)
      if (isAll || due.has(name) || !known.some((each) => each.name === name)) await this.#index(name);
  }

  /** Brings the collection of one folder to its state. */
  async #index(name: string): Promise<void> {
    const { store, bounds, extractor, log } = this.#deps;
    const path = join(this.#deps.folder, name);
    const warn = (line: string, facts: Record<string, unknown>) =>
      log.warn(line, { collection: name, ...facts });
    try {
      const { id } = await this.#collectionOf(name, path);
      const memory = this.#memoryOf(id);
      const isComplete = this.#complete.delete(name);
      const { unchanged, skipped, unsettled, ...changed } = await indexFolder(id, path, {
        documents: store.documents,
        ...{ bounds, extractor, signal: this.#abort.signal },
        memory: isComplete ? { ...memory, settleMs: 0 } : memory,
        failed: (file, { code }) => warn("a document can't be read", { file, why: code }),
        lacksText: (file, pages) => warn("pages without text can't be found", { file, pages: pages.length }),
      });
      if (unsettled > 0) this.#due.add(name);
      if (changed.stored + changed.forgotten > 0)
        log.info("documents are read in", { collection: name, ...changed });
      this.#said.delete(path);
    } catch (error) {
      this.#fail(path, error);
    }
  }

  async #collectionOf(name: string, folder: string): Promise<Collection> {
    const { collections } = this.#deps.store;
    const known = await collections.find(null, name);
    if (known && known.folder !== folder) throw new Failure("name_taken", { name });
    return known ?? collections.add(null, name, folder);
  }

  #memoryOf(id: string): FolderMemory {
    const memory = this.#memories.get(id) ?? {
      settleMs: this.#deps.bounds.documentsSettleMs,
      seen: new Map(),
    };
    this.#memories.set(id, memory);
    return memory;
  }

  /** Logs what is wrong with a folder, once until it has changed. */
  #fail(folder: string, error: unknown): void {
    if (this.#abort.signal.aborted) return;
    const isOfSystem = typeof (error as { code?: unknown }).code === "string";
    if (!isOfSystem) this.#deps.bug(error);
    const why = (error as Error).message;
    if (!isOfSystem || this.#said.get(folder) === why) return;
    this.#said.set(folder, why);
    this.#deps.log.warn("a folder of documents can't be read in", { folder, why });
  }

  #watch(inode: number): void {
    this.#unwatch();
    const { folder, bounds } = this.#deps;
    try {
      this.#watcher = watch(folder, { recursive: true }, (_, file) => {
        const [name] = file?.split(sep) ?? [];
        this.#due.add(name ?? "");
        this.#lookIn(bounds.documentsSettleMs);
      });
      this.#watcher.on("error", (error) => {
        this.#unwatch();
        this.#fail(folder, error);
      });
      this.#inode = inode;
    } catch (error) {
      this.#fail(folder, error); // the looks from time to time must do
    }
  }

  #unwatch(): void {
    this.#watcher?.close();
    this.#watcher = null;
  }
}

/** Names of the folders in a folder, and of links to folders, but for those that begin with a dot. */
async function foldersIn(folder: string): Promise<readonly string[]> {
  const names = (await readdir(folder)).filter((name) => !name.startsWith(".")).sort();
  const areFolders = await Promise.all(
    names.map((name) =>
      stat(join(folder, name)).then(
        (found) => found.isDirectory(),
        () => false,
      ),
    ),
  );
  return names.filter((_, i) => areFolders[i]);
}
