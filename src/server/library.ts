// Puts together the collections of documents: what people may do with them, and what reads documents behind
// everything else.

import type { Attachments } from "../chat/attachments.ts";
import { BackgroundReader } from "../documents/background.ts";
import { Extractor } from "../documents/extractor.ts";
import { Library } from "../documents/library.ts";
import type { Meaning, MeaningBounds } from "../documents/meaning.ts";
import { type WatchBounds, WatchedFolder } from "../documents/watched-folder.ts";
import type { Store } from "../store/store.ts";
import type { Log } from "../telemetry/log.ts";

export interface LibraryBounds extends WatchBounds, MeaningBounds {}

interface LibraryDependencies {
  readonly store: Store;
  /** The operator's folder of documents; null: none is followed. */
  readonly documents: string | null;
  /** Collections in it whose files are complete, however new they are. */
  readonly completeCollections?: readonly string[];
  readonly bounds: LibraryBounds;
  readonly log: Log;
}

export function openLibrary(
  { store, documents: folder, completeCollections: complete = [], bounds, log }: LibraryDependencies,
  attachments: Pick<Attachments, "usage">,
  bug: (error: unknown) => void,
  meaning: Meaning | null = null,
) {
  // one document at a time, beside the files that people attach
  const extractor = new Extractor({ ...bounds, extractionsMax: 1 });
  const reader = new BackgroundReader({ store, extractor, bug });
  const watched =
    folder === null ? null : new WatchedFolder({ folder, complete, store, extractor, bounds, log, bug });
  const library = new Library({
    ...{ store, bounds, meaning },
    usage: (person) => attachments.usage(person),
    added: () => reader.wake(),
  });
  const background = {
    start() {
      reader.wake();
      watched?.start();
      meaning?.start();
    },
    async stop() {
      await Promise.all([reader.stop(), watched?.stop(), meaning?.stop()]);
    },
  };
  return { library, background };
}
