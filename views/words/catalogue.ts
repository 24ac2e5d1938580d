// The type of everything that parlor itself says on the chat page. A language is one object of this type,
// so a missing sentence does not compile. Text of models and people never passes here.

import type { Allowance } from "../../src/domain/account.ts";
import type { FailureCode, FailureReport } from "../../src/domain/failure.ts";
import type { Sampling } from "../../src/domain/persona.ts";
import type { Place, Run } from "../../src/domain/run.ts";
import type { ModelState, StartFailure } from "../../src/domain/upstream.ts";
import type { AttachmentWords } from "./attachments.ts";
import type { GroundingWords } from "./grounding.ts";
import type { HouseWords } from "./house.ts";
import type { LibraryWords } from "./library.ts";
import type { SourceWords } from "./sources.ts";

export type Language = "en" | "de";

/** What happened and what to do, for each failure. */
export type FailureSentences = Readonly<Record<FailureCode, (facts: FailureReport["facts"]) => string>>;

export interface Words {
  readonly lang: Language;
  /** The reader's time zone; null when unknown: the server's is used. */
  readonly zone: string | null;
  readonly conversation: string;
  readonly conversations: string;
  readonly newChat: string;
  readonly search: string;
  readonly nothingFound: string;
  readonly pinned: string;
  readonly today: string;
  readonly yesterday: string;
  readonly lastDays: (days: number) => string;
  readonly options: string;
  readonly name: string;
  readonly rename: string;
  readonly pin: string;
  readonly unpin: string;
  readonly removed: string;
  readonly pruned: string;
  readonly undo: string;
  readonly exportAs: string;
  readonly exportAll: string;
  readonly import: string;
  imported(added: number, known: number): string;
  readonly message: string;
  readonly placeholder: string;
  readonly send: string;
  readonly attachments: AttachmentWords;
  readonly library: LibraryWords;
  readonly stop: string;
  readonly stopping: string;
  readonly tryAgain: string;
  readonly continue: string;
  readonly regenerate: string;
  readonly copy: string;
  readonly copied: string;
  readonly notCopied: string;
  readonly delete: string;
  readonly edit: string;
  readonly askAnew: string;
  readonly cancel: string;
  readonly previousBranch: string;
  readonly nextBranch: string;
  readonly earlier: string;
  readonly you: string;
  readonly assistant: string;
  readonly wrap: string;
  readonly taskDone: string;
  readonly taskOpen: string;
  thinking(seconds: number): string;
  thought(seconds: number | null): string;
  readonly toEnd: string;
  readonly skip: string;
  readonly hint: string;
  readonly keys: string;
  /** What each key does outside of text fields. views/assets/app.js has the actions. */
  readonly keyDoes: Readonly<Record<"n" | "/" | "m" | "." | "j" | "k" | "e" | "?", string>>;
  readonly emptyTitle: string;
  readonly emptyText: string;
  /** Shown instead of `emptyText` when a llama-server runs on another machine. */
  emptyElsewhere(hosts: string): string;
  readonly connected: string;
  readonly reconnecting: string;
  /** No further attempt is made. */
  readonly disconnected: string;
  readonly upstreamLoading: string;
  readonly upstreamAbsent: string;
  readonly answering: string;
  readonly answerEnd: Readonly<Record<"done" | "stopped" | "failed" | "interrupted", string>>;
  readonly stopped: string;
  readonly interrupted: string;
  readonly slotBusy: string;
  readonly lengthLimit: string;
  waiting(place: Place): string;
  readonly leaveLine: string;
  /** What was used of each limit that the person has. */
  allowance(allowance: Allowance): string[];
  readonly house: HouseWords;
  readonly starting: string;
  reading(processed: number, total: number): string;
  /** For people who do not run this parlor. */
  readonly modelAway: string;
  readonly modelComes: string;
  waitingFor(url: string): string;
  tooLong(limitBytes: number): string;
  readonly howToStart: string;
  readonly goesOn: string;
  readonly ownStarting: string;
  readonly ownFailed: string;
  readonly startAdvice: Readonly<Record<StartFailure, string>>;
  readonly foreignLoading: string;
  /** Figures of a finished Run; the first one is always visible. */
  stats(run: Pick<Run, "status" | "finish" | "stats">): string[];
  dropped(messages: number): string;
  readonly source: SourceWords;
  readonly grounding: GroundingWords;
  readonly contextFull: string;
  contextUsed(usedTokens: number, contextTokens: number): string;
  readonly persona: string;
  readonly noPersona: string;
  gone(persona: string): string;
  broken(persona: string): string;
  readonly ownSettings: string;
  readonly settings: string;
  readonly sampling: Readonly<Record<keyof Sampling, string>>;
  readonly ofModel: string;
  ofPersona(value: number): string;
  readonly apply: string;
  readonly settled: string;
  readonly model: string;
  readonly whicheverModel: string;
  readonly modelStatus: Readonly<Record<ModelState["status"], string>>;
  modelLoading(model: string): string;
  readonly fromFirst: string;
  readonly enforced: string;
  readonly whoAnswers: string;
  readonly starters: string;
  readonly temporary: string;
  readonly temporaryText: string;
  readonly failures: FailureSentences;
}
