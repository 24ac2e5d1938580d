// A prompt that goes to the model unchanged, without a chat template: `raw` on the JSON socket. It waits in
// the queue like a Run; nothing of it is stored.

import type { Quota } from "../chat/quota.ts";
import type { Person } from "../domain/account.ts";
import { Failure } from "../domain/failure.ts";
import type { PartKind } from "../domain/part.ts";
import type { Place, PromptProgress } from "../domain/run.ts";
import type { SettingsResolver } from "../persona/effective-settings.ts";
import type { Queue } from "../runs/queue.ts";
import { doneEvent, type ProgramEvent, pieceEvent } from "./messages.ts";

export interface RawPromptOptions {
  readonly quota: Quota;
  readonly queue: Pick<Queue, "apiRequests">;
  readonly settings: SettingsResolver;
}

interface RawPrompt {
  readonly person: Person;
  readonly prompt: string;
  /** Id of the request in logs. */
  readonly requestId: string;
  /** Ends the generation when it is aborted; the last event is then `done` with the reason `stopped`. */
  readonly signal: AbortSignal;
  send(event: ProgramEvent): void;
}

/**
 * Sends the answer as events, up to `done`.
 * @throws Failure `message_empty`, `message_too_long`; as `ApiRequests.withSlot` and `Slot.complete`
 */
export async function completeRaw(
  { person, prompt, requestId, signal, send }: RawPrompt,
  { quota, queue, settings }: RawPromptOptions,
): Promise<void> {
  settings.refuseIfEnforced();
  refuseLength(quota, person, prompt);
  const slotOptions = {
    ...{ person, request: requestId, path: "/completion", model: null, signal },
    placed: ({ position, of }: Place) => send({ type: "queued", position, of }),
  };
  try {
    await queue.apiRequests.withSlot(slotOptions, async (apiRequest, slot) => {
      settings.refuseIfEnforced(); // the setting may have changed during the wait
      const deltas = {
        part(kind: PartKind, text: string) {
          if (kind === "text") {
            apiRequest.heard();
            apiRequest.tokens++;
          }
          send(pieceEvent(kind, text));
        },
        prompt: ({ processed, total }: PromptProgress) => send({ type: "prompt", processed, total }),
      };
      const id = { run: apiRequest.run, request: requestId };
      const { finish, stats } = await slot.complete(id, prompt, deltas, apiRequest.signal);
      const readTokens = Math.max(0, (stats.promptTokens ?? 0) - (stats.cachedTokens ?? 0));
      apiRequest.tokens = readTokens + (stats.outputTokens ?? apiRequest.tokens);
      send(doneEvent(finish, { ...stats, ...apiRequest.figures }, null));
    });
  } catch (error) {
    if (!signal.aborted) throw error;
    send(doneEvent("stopped", {}, null));
  }
}

/** @throws Failure `message_empty`, `message_too_long` */
function refuseLength(quota: Quota, person: Person, text: string): void {
  const [bytes, limitBytes] = [Buffer.byteLength(text), quota.messageMaxBytes(person)];
  if (text === "") throw new Failure("message_empty");
  if (bytes > limitBytes) throw new Failure("message_too_long", { bytes, limitBytes });
}
