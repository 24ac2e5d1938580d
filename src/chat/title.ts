// A title that the model itself makes, where that is wished: asked for right behind the first answer, in the same Slot and with
// the same beginning, so that llama-server reads only the wish anew and its prompt cache serves the next question as before.

import { titleFrom } from "../domain/conversation.ts";
import { newId } from "../domain/id.ts";
import type { ChatRequest } from "../upstream/upstream.ts";
import type { LiveRun } from "./live-run.ts";
import type { PromptDependencies } from "./prompt.ts";
import { Thoughts } from "./thoughts.ts";

const wish =
  "Give this conversation a title of at most six words, in its own language. Reply with the title alone.";

/** Longest that is generated for it, in tokens: six words in any language. */
const titleMaxTokens = 32;

/**
 * Has the conversation of a Run that has ended entitled; the title stays as it is when nothing usable comes back.
 * @throws Failure `upstream_*`, or the Run's abort reason
 */
export async function entitle(
  live: LiveRun,
  { messages, sampling, model }: ChatRequest,
  { upstream }: PromptDependencies,
): Promise<void> {
  const pieces: string[] = [];
  const thoughts = new Thoughts(true, { text: (text) => void pieces.push(text), reasoning() {} });
  const deltas = { text: (text: string) => thoughts.add(text), reasoning() {}, prompt() {} };
  const asked = [
    ...messages,
    { role: "assistant" as const, content: live.text },
    { role: "user" as const, content: wish },
  ];
  const by = { run: newId(), request: live.origin.request };
  const request = { messages: asked, sampling: { ...sampling, maxTokens: titleMaxTokens }, model };
  try {
    await upstream.chat(by, request, deltas, live.abort.signal);
  } catch (error) {
    await upstream.freed(by.run);
    throw error;
  }
  thoughts.end(false);
  const title = titleFrom(
    pieces
      .join("")
      .trim()
      .replace(/^(?:title|titel)\s*:\s*/i, ""),
  ).replace(/^["'„“”«»*#\s]+|["'“”«»*.\s]+$/g, "");
  if (title !== "") await live.store.entitle(live.run.conversation, title);
}
