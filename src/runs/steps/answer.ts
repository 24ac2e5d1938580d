// The step in which the model answers: one request to llama-server, or the rest of one that another process
// sent. Its Deltas become parts of the message. What comes before and after the step is runs/runner's.

import type { RunId } from "../../domain/id.ts";
import type { PartKind } from "../../domain/part.ts";
import type { RunStats } from "../../domain/run.ts";
import type { Deltas, Slot } from "../../upstream/upstream.ts";
import type { LiveRun } from "../live-run.ts";
import { type Prompt, type PromptDependencies, promptOf } from "../prompt.ts";
import { Thoughts } from "../thoughts.ts";

/** How a step ended by itself. */
export interface StepEnd {
  /** Why the model stopped, in llama-server's words. */
  readonly finish: string;
  readonly stats: RunStats;
}

interface AnswerOptions extends PromptDependencies {
  /** Called with the kind of each piece that arrives. */
  onToken(kind: PartKind): void;
  /** Called with the prompt before it is sent. */
  onPrompt(prompt: Prompt): void;
}

/**
 * Lets the model answer in this Slot. `fromBytes`: the byte from which llama-server's stream of this step is
 * read on; null for a new request.
 * @throws Failure as `promptOf`, `Slot.chat` and `Slot.resume`; the Run's abort reason
 */
export async function answer(
  live: LiveRun,
  slot: Slot,
  options: AnswerOptions,
  fromBytes: number | null,
): Promise<StepEnd> {
  const { onToken, onPrompt } = options;
  const grow = (kind: PartKind, piece: string) => {
    onToken(kind);
    live.grow(kind, piece);
  };
  let thoughts: Thoughts | undefined;
  const deltas: Deltas = {
    part(kind, piece) {
      if (kind !== "text") return grow(kind, piece);
      thoughts ??= new Thoughts(live.written.isStepSilent, grow);
      thoughts.add(piece);
    },
    prompt: (progress) => live.read(progress),
    streamed(bytes) {
      live.written.streamBytes = bytes;
    },
  };
  const { signal } = live.abort;
  try {
    let end: StepEnd;
    if (fromBytes === null) {
      const prompt = await promptOf(live, options);
      onPrompt(prompt);
      const by = { run: requestIdOf(live), request: live.origin.request };
      end = await slot.chat(by, prompt.request, deltas, signal);
    } else end = await slot.resume(requestIdOf(live), fromBytes, deltas, signal);
    const unclosed = thoughts?.end(end.finish !== "length");
    if (unclosed) live.answerInstead(unclosed);
    return end;
  } catch (error) {
    thoughts?.end(false);
    throw error;
  }
}

/** Each step has an id of its own, because llama-server keeps one stream per id. */
function requestIdOf({ run, written: { step } }: LiveRun): RunId {
  return step === 0 ? run.id : `${run.id}-${step}`;
}
