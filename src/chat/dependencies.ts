// The ports and bounds that Chat and Runs are constructed with (bounds: see src/bounds.ts). Types only,
// except for the rule that says which Store keeps a conversation.

import type { Bus } from "../bus/bus.ts";
import { type ConversationId, isTemporary } from "../domain/id.ts";
import type { Thread } from "../domain/thread.ts";
import type { Store } from "../store/store.ts";
import type { Log } from "../telemetry/log.ts";
import type { Metrics } from "../telemetry/metrics.ts";
import type { Upstream } from "../upstream/upstream.ts";
import type { SettingsResolver } from "./effective-settings.ts";
import type { Quota } from "./quota.ts";
import type { Runs } from "./runs.ts";

/** The Store that keeps a conversation. */
export type StoreOf = (conversation: ConversationId) => Store;

/** Temporary conversations are kept in `temporary`, which never writes to disk; all others in `store`. */
export function storeChooser(stores: { readonly store: Store; readonly temporary: Store }): StoreOf {
  return (conversation) => (isTemporary(conversation) ? stores.temporary : stores.store);
}

export interface ChatBounds extends RunsBounds {
  /** Messages of a thread that a page shows at first, and loads at a time after that. */
  readonly pageMaxMessages: number;
  /** Longest message, in bytes of UTF-8. */
  readonly messageMaxBytes: number;
}

export interface ChatDependencies {
  readonly store: Store;
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
  readonly bounds: Pick<ChatBounds, "pageMaxMessages">;
}

export interface RunsDependencies {
  readonly store: Pick<Store, "usage" | "settings" | "checkpoint">;
  readonly storeOf: StoreOf;
  readonly bus: Bus;
  readonly upstream: Upstream;
  readonly log: Log;
  readonly settings: SettingsResolver;
  /** Let the model write a title after the first answer of a conversation. */
  readonly generateTitles: boolean;
  /** Write the text of messages to the log. */
  readonly logTexts: boolean;
  readonly metrics: Metrics;
  readonly bounds: RunsBounds;
  /** True while a person has the conversation open. */
  isAttended(conversation: ConversationId): boolean;
}

/** See src/bounds.ts. */
interface RunsBounds {
  readonly foldMs: number;
  readonly checkpointEveryMs: number;
  readonly answerTokens: number;
  /** Most Runs at once. With fewer slots in llama-server, the number of its slots is the limit. */
  readonly slotsMax: number;
  readonly yieldMs: number;
  /** Most Runs that may wait at once. */
  readonly queueMaxRuns: number;
}
