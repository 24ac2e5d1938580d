// The ports and bounds that Runs are made with (bounds: see config/bounds). Types only.

import type { Bus } from "../bus/bus.ts";
import type { SettingsResolver } from "../persona/effective-settings.ts";
import type { StoreOf } from "../store/chooser.ts";
import type { Store } from "../store/store.ts";
import type { Log } from "../telemetry/log.ts";
import type { Metrics } from "../telemetry/metrics.ts";
import type { Upstream } from "../upstream/upstream.ts";
import type { EndingDependencies } from "./ending.ts";
import type { LiveRun } from "./live-run.ts";
import type { IndexFile } from "./searched-files.ts";
import type { StepEnd } from "./steps/answer.ts";
import type { FindPassages } from "./steps/retrieve.ts";

export interface RunsDependencies {
  readonly store: Pick<Store, "usage" | "settings" | "checkpoint" | "collections" | "documents">;
  readonly storeOf: StoreOf;
  readonly bus: Bus;
  readonly upstream: Upstream;
  readonly log: Log;
  readonly settings: SettingsResolver;
  readonly findPassages: FindPassages;
  /** See RetrieveDependencies. */
  readonly findTemporary: FindPassages;
  readonly indexFile: IndexFile;
  /** Let the model write a title after the first answer of a conversation. */
  readonly generateTitles: boolean;
  /** Write the text of messages to the log. */
  readonly logTexts: boolean;
  readonly metrics: Metrics;
  /** Decides whether a Run has another step after one that ended so; absent: a Run is one answer. */
  readonly goesOn?: ((live: LiveRun, end: StepEnd) => boolean) | undefined;
  /** Number of the first event of a Run; default 0. It must exceed all numbers of the process before. */
  readonly firstEvent?: (() => number) | undefined;
  /** See EndingDependencies. */
  readonly onEnd?: EndingDependencies["onEnd"];
  readonly bounds: RunsBounds;
}

/** See config/bounds. */
export interface RunsBounds {
  readonly foldMs: number;
  readonly checkpointEveryMs: number;
  readonly answerTokens: number;
  /** Most Runs at once. With fewer slots in llama-server, the number of its slots is the limit. */
  readonly slotsMax: number;
  readonly yieldMs: number;
  /** Most Runs that may wait at once. */
  readonly queueMaxRuns: number;
}
