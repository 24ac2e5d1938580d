// The ports and bounds that Chat, Threads and Forgetting are made with (bounds: see config/bounds). Types
// only.

import type { Bus } from "../bus/bus.ts";
import type { Thread } from "../domain/thread.ts";
import type { SettingsResolver } from "../persona/effective-settings.ts";
import type { Runs } from "../runs/runs.ts";
import type { StoreOf } from "../store/chooser.ts";
import type { Store } from "../store/store.ts";
import type { Upstream } from "../upstream/upstream.ts";
import type { Quota } from "./quota.ts";

export interface ChatBounds {
  /** Messages of a thread that a page shows at first, and loads at a time after that. */
  readonly pageMaxMessages: number;
  /** Most files of a question. */
  readonly messageFilesMax: number;
  /** Longest message, in bytes of UTF-8. */
  readonly messageMaxBytes: number;
}

export interface ChatDependencies {
  /** Has the collections of documents. */
  readonly store: Pick<Store, "collections">;
  /** Keeps temporary conversations, which are never written to disk. */
  readonly temporary: Store;
  readonly storeOf: StoreOf;
  readonly bus: Bus;
  readonly upstream: Upstream;
  readonly settings: SettingsResolver;
  readonly runs: Runs;
  readonly quota: Quota;
  /**
   * Renders what pages show of a thread ahead of time, one part per turn of the event loop.
   * Resolves to true when that took more than the current turn.
   */
  drawAhead(thread: Thread): Promise<boolean>;
  readonly bounds: Pick<ChatBounds, "pageMaxMessages" | "messageFilesMax">;
}
