// The tokens that a Run has used: those of its prompts that did not come from the cache, and written ones. An
// estimate while the Run is in progress; llama-server counts them at the end of each step.

import type { PromptProgress, RunStats } from "../domain/run.ts";
import type { Written } from "./written.ts";

/** Estimated characters per token. */
const charsPerToken = 4;

export class SpentTokens {
  readonly #written: Pick<Written, "stepChars">;
  /** Tokens that the steps before this one have used. */
  #before = 0;
  /** How much of this step's prompt is read; null until llama-server says so. */
  progress: PromptProgress | null = null;
  /** llama-server's figures of the last step, once the Run is over. */
  stats: RunStats = {};

  constructor(written: Pick<Written, "stepChars">) {
    this.#written = written;
  }

  get sum(): number {
    return this.sumWith(this.stats);
  }

  /** The sum with these figures of the present step; what they lack is estimated. */
  sumWith(stats: RunStats): number {
    const {
      promptTokens = this.progress?.processed ?? 0,
      cachedTokens = this.progress?.cached ?? 0,
      outputTokens = Math.ceil(this.#written.stepChars / charsPerToken),
    } = stats;
    return this.#before + Math.max(0, promptTokens - cachedTokens) + outputTokens;
  }

  /** To be called before the next step writes anything, with the figures of the one that has ended. */
  nextStep(stats: RunStats): void {
    this.#before = this.sumWith(stats);
    this.progress = null;
  }
}
