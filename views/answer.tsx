// The text of an answer as HTML, with its citations: where they lead, and what is said of those that lead
// nowhere.

import { BoundedMap } from "../src/domain/bounded-map.ts";
import type { Message } from "../src/domain/conversation.ts";
import type { Doubt } from "../src/domain/doubt.ts";
import { Check, type Tally } from "../src/domain/grounding.ts";
import type { ConversationId } from "../src/domain/id.ts";
import { type Parts, type SourcePart, sourcesIn } from "../src/domain/part.ts";
import type { Run, RunStats } from "../src/domain/run.ts";
import type { Thread } from "../src/domain/thread.ts";
import { type Citations, unlinked } from "./markdown/citations.ts";
import { type Findings, noFindings } from "./markdown/grounded.ts";
import { drawAhead, findingsIn, lostCitations, markdownOf } from "./markdown/html.ts";
import { inWords } from "./markdown/marks.ts";
import type { Words } from "./words.ts";

/** Answers that were looked at last: their sentences are compared once. */
const checks = new BoundedMap<string, Check>(32);

/** In a conversation, a number stands for one passage. */
function checkOf(sources: readonly SourcePart[], conversation: ConversationId): Check {
  const key = `${conversation} ${sources.map(({ n }) => n)}`;
  const check = checks.get(key) ?? new Check(sources);
  checks.set(key, check);
  return check;
}

/** null for parts without sources: then `[1]` is a text like any other. */
export function citationsIn(
  parts: Parts,
  conversation: ConversationId,
  bySense?: RunStats["bySense"],
): Citations | null {
  const sources = sourcesIn(parts);
  if (sources.length === 0) return null;
  const grounding = sources[0]?.grounding ?? "cite";
  return {
    ...{ path: `/c/${conversation}/source/`, numbers: new Set(sources.map(({ n }) => n)) },
    ...(grounding !== "off" && {
      check: checkOf(sources, conversation),
      isStrict: grounding === "strict",
      ...(bySense && { bySense }),
    }),
  };
}

/** The text of a message with its citations. */
const citedText = ({ text, parts, conversation }: AnswerText, run?: Run | null) => ({
  text,
  citations: citationsIn(parts, conversation, run?.stats.bySense),
});
type AnswerText = Pick<Message, "text" | "parts" | "conversation">;

/** HTML of an answer. The citations of a reader with a link have no addresses: those depend on the link. */
export function answerHtml(
  message: Message,
  { isReader, run, words }: { isReader?: boolean; run?: Run | null; words: Words },
): string {
  const html = inWords(markdownOf(citedText(message, run)), words);
  return isReader && sourcesIn(message.parts).length > 0 ? unlinked(html) : html;
}

/**
 * Renders the answers of a thread, a part per turn of the event loop; true when more than one turn was
 * needed.
 */
export function drawThread(thread: Thread): Promise<boolean> {
  return drawAhead(
    thread.flatMap(({ message, run }) => (message.role === "assistant" ? [citedText(message, run)] : [])),
  );
}

/**
 * How many of the sentences of a finished answer are checked, and how many of them were found in its sources.
 * They are compared a part per turn of the event loop.
 */
export const groundingOf = async (message: AnswerText): Promise<Tally> => (await checked(message)).tally;

/** The sentences of a finished answer that are marked for their words alone; compared as by `groundingOf`. */
export const doubtsOf = async (message: AnswerText): Promise<readonly Doubt[]> =>
  (await checked(message)).doubts;

async function checked(message: AnswerText): Promise<Findings> {
  const { text, citations } = citedText(message);
  if (!citations?.check) return noFindings;
  await drawAhead([{ text, citations }]);
  return findingsIn(text, citations);
}

/** What the check of a finished answer has found. */
export function GroundingLine({ message, run, words }: { message: Message; run: Run | null; words: Words }) {
  const { text, citations } = citedText(message, run);
  const { tally, sensed } = citations?.check ? findingsIn(text, citations) : noFindings;
  if (tally.sentences === 0) return <></>;
  const isStrict = citations?.isStrict === true && tally.supported + sensed < tally.sentences;
  return (
    <p class={isStrict ? "grounding strict" : "grounding"}>
      {words.grounding.found(tally, isStrict, sensed)}
    </p>
  );
}

/** How many citations of a finished answer led nowhere and were removed. */
export function LostCitations({ message, run, words }: { message: Message; run: Run | null; words: Words }) {
  const { text, citations } = citedText(message, run);
  const lost = citations === null ? 0 : lostCitations(text, citations);
  return lost === 0 ? <></> : <p class="note">{words.source.lost(lost)}</p>;
}
