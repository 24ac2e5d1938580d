// A Store with search by meaning over it, as a house has them, in front of real or scripted llama-servers.

import type { Bounds } from "../../src/config/bounds.ts";
import { defaultBounds } from "../../src/config/config.ts";
import { Meaning } from "../../src/documents/meaning.ts";
import { passageFinder } from "../../src/documents/search.ts";
import type { PassageRange } from "../../src/store/collections.ts";
import { openSqlite } from "../../src/store/sqlite.ts";
import type { Store } from "../../src/store/store.ts";
import { openLog } from "../../src/telemetry/log.ts";
import { openLlama } from "../../src/upstream/llama.ts";
import { LlamaEmbedder } from "../../src/upstream/llama-embedder.ts";
import { LlamaReranker } from "../../src/upstream/llama-reranker.ts";
import { Pool } from "../../src/upstream/pool.ts";

export interface MeantOptions {
  /** Addresses of llama-servers; null or absent: none. */
  readonly embed?: string | null;
  readonly rerank?: string;
  /** The Store of another one, which is not closed here. */
  readonly store?: Store;
  /** A file that outlives the Store; absent: in memory. */
  readonly file?: string;
  readonly bounds?: Partial<Bounds>;
  /** Answers are being written. */
  readonly isBusy?: boolean;
}

export interface Meant {
  readonly store: Store;
  readonly meaning: Meaning;
  /** What stands near a question; null while it is not known. */
  near(question: string, range: PassageRange): ReturnType<Meaning["near"]>;
  readonly find: ReturnType<typeof passageFinder>;
  /** Every line that was logged. */
  readonly log: readonly string[];
  stop(): Promise<void>;
}

export async function openMeant({ embed, rerank, file, ...options }: MeantOptions): Promise<Meant> {
  const lines: string[] = [];
  const log = openLog({ level: "debug", format: "json", write: (line) => lines.push(line) });
  // a busy machine is no slow server
  const bounds = { ...defaultBounds, pollMs: 30, pollReadyMs: 100, embedMs: 20_000, ...options.bounds };
  const pool = (urls: readonly string[]) =>
    new Pool({ log, open: (url) => openLlama({ url, apiKey: null, log, ...bounds, isSpecial: true }) }, urls);
  const named = (url: string | null | undefined) => (url ? pool([url]) : null);
  const chats = pool([]);
  const embedder = new LlamaEmbedder("embed", named(embed), chats);
  const reranker = new LlamaReranker("rerank", named(rerank), chats);
  const store = options.store ?? openSqlite(file ?? ":memory:");
  const bugs: unknown[] = [];
  const meaning = new Meaning({
    ...{ store, embedder, reranker, bounds, log },
    isBusy: () => options.isBusy === true,
    bug: (error) => bugs.push(error),
  });
  meaning.start();
  return {
    ...{ store, meaning, log: lines },
    async near(question, range) {
      const embedded = await meaning.embed(question);
      return embedded && meaning.near(embedded, range);
    },
    find: passageFinder(store.collections, meaning),
    async stop() {
      await meaning.stop();
      await Promise.all([embedder, reranker, chats].map((each) => each.close()));
      if (!options.store) await store.close();
      if (bugs.length > 0) throw bugs[0];
    },
  };
}
