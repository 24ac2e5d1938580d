// Lets the model write the title of a conversation, if the operator enabled that. Requested right after the
// first answer, in the same Slot and with the same beginning, so that llama-server reads only the request
// itself anew and its prompt cache still serves the next question.

import { titleFrom } from "../domain/conversation.ts";
import { newId } from "../domain/id.ts";
import { plainText } from "../domain/part.ts";
import type { ChatRequest, Deltas, Slot } from "../upstream/upstream.ts";
import type { LiveRun } from "./live-run.ts";
import { Thoughts } from "./thoughts.ts";

const instruction =
  "Give this conversation a title of at most six words, in its own language. Reply with the title alone.";

/** Most tokens that are generated for a title: six words in any language. */
const titleMaxTokens = 32;

/**
 * Writes a title for the conversation of a Run that has ended. Keeps the old title if the model returns
 * nothing usable.
 * @throws Failure `upstream_*`, or the Run's abort reason
 */
export async function writeTitle(
  live: LiveRun,
  slot: Slot,
  { messages, sampling, model }: ChatRequest,
): Promise<void> {
  const pieces: string[] = [];
  const thoughts = new Thoughts(true, (kind, text) => kind === "text" && pieces.push(text));
  const deltas: Deltas = {
    part: (kind, piece) => kind === "text" && thoughts.add(piece),
    prompt() {},
  };
  const withInstruction = [
    ...messages,
    { role: "assistant" as const, content: plainText(live.written.parts) },
    { role: "user" as const, content: instruction },
  ];
  const by = { run: newId(), request: live.origin.request };
  const request = { messages: withInstruction, sampling: { ...sampling, maxTokens: titleMaxTokens }, model };
  await slot.chat(by, request, deltas, live.abort.signal);
  thoughts.end(false);
  const title = titleFrom(
    pieces
      .join("")
      .trim()
      .replace(/^(?:title|titel)\s*:\s*/i, ""),
  ).replace(/^["'„“”«»*#\s]+|["'“”«»*.\s]+$/g, "");
  if (title !== "") await live.store.setGeneratedTitle(live.run.conversation, title);
}
