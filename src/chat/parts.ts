// What chat/ is given: the ports that it works with, and its bounds (see src/bounds.ts). Facts alone.

import type { Bus } from "../bus/bus.ts";
import type { ConversationId, PersonaId } from "../domain/id.ts";
import type { Thread } from "../domain/thread.ts";
import type { Personas } from "../persona/persona.ts";
import type { Store } from "../store/store.ts";
import type { Log } from "../telemetry/log.ts";
import type { Metrics } from "../telemetry/metrics.ts";
import type { Upstream } from "../upstream/upstream.ts";
import type { SettingsResolver } from "./effective-settings.ts";

export interface ChatBounds extends RunsBounds {
  /** Messages of a thread that a page holds at first, and gets more of at a time. */
  readonly pageMaxMessages: number;
  /** Longest message in UTF-8. */
  readonly messageMaxBytes: number;
}

export interface ChatParts extends Pick<RunsParts, "generateTitles" | "logTexts" | "isAttended" | "metrics"> {
  readonly store: Store;
  /** Keeps the conversations that are never written to disk. */
  readonly temporary: Store;
  readonly bus: Bus;
  readonly upstream: Upstream;
  readonly personas: Personas;
  /** Holds for everybody, whatever was chosen; the operator may set another while parlor runs. */
  enforcedPersona(): PersonaId | null;
  /** Has whatever pages show of a thread drawn beforehand, a part in each turn of the event loop; true when that took more than this turn. */
  drawAhead(thread: Thread): Promise<boolean>;
  readonly log: Log;
  readonly bounds: ChatBounds;
}

export interface RunsParts {
  readonly store: Pick<Store, "usage" | "settings" | "checkpoint">;
  readonly bus: Bus;
  readonly upstream: Upstream;
  readonly log: Log;
  readonly voices: SettingsResolver;
  /** Has the model make a title behind the first answer. */
  readonly generateTitles: boolean;
  /** Has the log hold what is said. */
  readonly logTexts: boolean;
  readonly metrics: Metrics;
  readonly bounds: RunsBounds;
  /** Where a conversation is kept. */
  storeOf(conversation: ConversationId): Store;
  /** Somebody has the conversation before them. */
  isAttended(conversation: ConversationId): boolean;
}

/** See src/bounds.ts. */
interface RunsBounds {
  readonly foldMs: number;
  readonly checkpointEveryMs: number;
  readonly answerTokens: number;
  /** Runs at once, at most; as many as llama-server has slots, if those are fewer. */
  readonly slotsMax: number;
  readonly yieldMs: number;
  /** Runs that may wait at once. */
  readonly queueMaxRuns: number;
}
