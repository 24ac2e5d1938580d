// Asks a reranker, after an answer has ended, about sentences that are marked for their words alone. Nobody
// waits for it: without a reranker, in doubt, and when it takes too long, the marks stay.

import { doubtsOf } from "../../views/answer.tsx";
import { type Bus, publishReshaped } from "../bus/bus.ts";
import { embeddedText } from "../documents/embedded-text.ts";
import { type Doubt, sentenceKey } from "../domain/doubt.ts";
import { Check } from "../domain/grounding.ts";
import { type SourcePart, sourcesIn } from "../domain/part.ts";
import type { Run } from "../domain/run.ts";
import type { Utterance } from "../domain/thread.ts";
import type { StoreOf } from "../store/chooser.ts";
import type { Log } from "../telemetry/log.ts";
import type { Reranker } from "../upstream/meaning.ts";

/** Most sentences of an answer that are asked about. */
const askedMax = 10;
/** All questions about an answer take no longer together, in ms. */
const askedMs = 5_000;

interface SecondOpinionDependencies {
  readonly reranker: Pick<Reranker, "isOffered" | "rerank">;
  readonly storeOf: StoreOf;
  readonly bus: Bus;
  readonly log: Log;
}

export class SecondOpinion {
  readonly #deps: SecondOpinionDependencies;
  readonly #stopping = new AbortController();

  constructor(deps: SecondOpinionDependencies) {
    this.#deps = deps;
  }

  /** Keeps what a model finds by its sense in an answer whose end is stored, and tells its pages. */
  async ask({ message, run }: Utterance & { readonly run: Run }): Promise<void> {
    const { reranker, storeOf, bus, log } = this.#deps;
    const sources = sourcesIn(message.parts);
    if (run.status !== "done" || sources.length === 0 || !reranker.isOffered) return;
    const doubts = (await doubtsOf(message)).slice(0, askedMax);
    if (doubts.length === 0) return;
    const bySense = await this.#found(doubts, sources, run);
    if (Object.keys(bySense).length === 0 || this.#stopping.signal.aborted) return;
    try {
      await storeOf(run.conversation).keepOpinion(run.id, bySense);
      publishReshaped(bus, run.conversation);
    } catch (error) {
      log.warn("what was found by its sense could not be stored", { run: run.id, error: String(error) });
    }
  }

  /** Ends what is being asked; its answers are not kept. */
  stop(): void {
    this.#stopping.abort();
  }

  async #found(
    doubts: readonly Doubt[],
    sources: readonly SourcePart[],
    run: Run,
  ): Promise<Record<string, number>> {
    const within = AbortSignal.any([this.#stopping.signal, AbortSignal.timeout(askedMs)]);
    const check = new Check(sources);
    const texts = sources.map((source) =>
      embeddedText({ ...source, path: source.document, title: source.document }),
    );
    const found: Record<string, number> = {};
    try {
      for (const { sentence, cites } of doubts) {
        const scores = await this.#deps.reranker.rerank(sentence, texts, within);
        if (scores === null) break;
        const best = scores.indexOf(Math.max(...scores));
        const n = sources[best]?.n;
        // scores are logits: above 0, the model thinks it likelier than not that the passage fits
        if (n === undefined || (scores[best] as number) <= 0) continue;
        if (cites.length > 0 ? cites.includes(n) : hasFigures(check, sentence, n))
          found[sentenceKey(sentence)] = n;
      }
    } catch (error) {
      this.#deps.log.debug("no second opinion on an answer", { run: run.id, error: String(error) });
    }
    return found;
  }
}

/** True if this passage alone has the numbers and quotations of a sentence. */
function hasFigures(check: Check, sentence: string, n: number): boolean {
  const verdict = check.of(sentence, [n]);
  return verdict.kind === "supported" || (verdict.kind === "unsupported" && verdict.lacksWords);
}
