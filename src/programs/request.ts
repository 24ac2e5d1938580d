// Reads a request in OpenAI's or Anthropic's format, as far as the queue and the choice of a llama-server
// need it.

import { parseJson } from "../domain/json.ts";
import { type Field, type Range, type Skimmed, skim } from "./skim.ts";

export interface ProgramRequest {
  readonly headers: Readonly<Record<string, string>>;
  /** The unchanged body. */
  readonly body: Uint8Array<ArrayBuffer>;
  readonly model: string | null;
  readonly isStream: boolean;
  /** The parts of the prompt, in their order. */
  readonly parts: readonly string[];
  /** Answers that llama-server generates at once, each in a slot. */
  readonly slots: number;
}

/**
 * Request headers that are passed to llama-server. X-Conversation-Id is not: with it, generation goes on
 * after a disconnect.
 */
const passedHeaders = ["content-type", "accept", "anthropic-version", "anthropic-beta"];

/** Fields for the number of answers per prompt, of OpenAI and llama-server. */
const countNames = ["n", "n_cmpl", "best_of"];
/** Fields that the model reads, in the order of a chat template. */
const promptNames = ["system", "instructions", "tools", "messages", "input", "prompt"];
const names: ReadonlySet<string> = new Set([...countNames, ...promptNames, "content", "model", "stream"]);

/** Longest part that is parsed, and most bytes of all parts: a context of a million tokens. */
const [partMaxBytes, partsMaxBytes] = [1 << 20, 4 << 20];

/**
 * Reads a request. A body that is no JSON is no error here: llama-server refuses it.
 * @param prompts the fields that can hold several prompts
 */
export async function programRequestOf(
  request: Request,
  body: Uint8Array<ArrayBuffer>,
  prompts: readonly string[] = [],
): Promise<ProgramRequest> {
  const headers = Object.fromEntries(
    passedHeaders.flatMap((name) => {
      const value = request.headers.get(name);
      return value === null ? [] : [[name, value]];
    }),
  );
  const skimmed = await skim(body, names);
  const { fields } = skimmed;
  const value = (name: string): unknown => {
    const field = fields.get(name);
    return field && field.end - field.start <= partMaxBytes
      ? parseJson(textOf(body, field.start, field.end))
      : undefined;
  };
  const model = value("model");
  const counts = countNames
    .map((name) => value(name))
    .filter((each) => typeof each === "number" && Number.isSafeInteger(Math.trunc(each)))
    .map((each) => Math.trunc(each as number)); // as llama-server reads 2.5
  const slots = Math.max(1, ...counts) * Math.max(1, ...prompts.map((name) => promptsIn(fields.get(name))));
  return {
    ...{ headers, body, slots },
    model: typeof model === "string" && model !== "" ? model : null,
    isStream: value("stream") === true,
    parts: await partsOf(body, skimmed),
  };
}

/** Number of prompts in a field. An array with a number in it is one prompt, given as tokens. */
const promptsIn = (field: Field | undefined): number => (field?.items && !field.hasNumbers ? field.count : 1);

/**
 * The parts of the prompt: system prompt and tools, then each message. A file is represented by its length
 * and its end.
 */
async function partsOf(body: Uint8Array, { fields, data }: Skimmed): Promise<string[]> {
  const lists = ["messages", "input"].map((name) => fields.get(name)).find((field) => field?.items);
  const messages = lists?.items ?? ["input", "prompt"].flatMap((name) => fields.get(name) ?? []);
  const before = ["system", "instructions", "tools"].flatMap((name) => fields.get(name) ?? []);
  const parts: string[] = [];
  let [bytes, sinceYield, next] = [0, 0, 0];
  const ordered = [...before, ...messages];
  const inOrder = ordered.every((range, i) => i === 0 || (ordered[i - 1] as Range).end <= range.start);
  for (const range of ordered) {
    if (!inOrder) next = 0;
    while (next < data.length && (data[next] as Range).end <= range.start) next++;
    const text = textWithoutData(body, range, data, next);
    bytes += text.length;
    sinceYield += text.length;
    if (bytes > partsMaxBytes) break;
    parts.push(text.length > partMaxBytes ? text : asPart(text));
    if (sinceYield < partMaxBytes) continue;
    sinceYield = 0;
    await new Promise((resolve) => setImmediate(resolve));
  }
  return parts;
}

/** Characters of a file's end that represent it; files of the same type begin alike. */
const dataEndChars = 32;

/**
 * The JSON of a range, with each file replaced by its length and end. `next` is the first index of `data` to
 * look at.
 */
function textWithoutData(
  body: Uint8Array,
  { start, end }: Range,
  data: readonly Range[],
  next: number,
): string {
  let text = "";
  let from = start;
  for (let i = next; i < data.length && (data[i] as Range).end < end; i++) {
    const each = data[i] as Range;
    if (from < each.start) text += textOf(body, from, Math.min(each.start, from + partsMaxBytes));
    text += `${each.end - each.start}:${textOf(body, each.end - dataEndChars, each.end)}`;
    from = each.end;
  }
  return (text + textOf(body, from, Math.min(end, from + partsMaxBytes))).trim();
}

const textOf = (body: Uint8Array, start: number, end: number): string =>
  Buffer.from(body.buffer, body.byteOffset, body.byteLength).toString("utf8", start, end);

/**
 * Deepest nesting of a message that is parsed. JSON.stringify overflows the stack at about 40 000, after 0.8
 * s (measured).
 */
const depthMax = 500;

/** Brackets in strings count as well: a text that is full of them is not parsed, which is harmless. */
function isDeep(text: string): boolean {
  let depth = 0;
  for (let i = 0; i < text.length && depth <= depthMax; i++) {
    const code = text.charCodeAt(i) | 32; // [ and {, ] and } differ in this bit
    if (code === 123) depth++;
    else if (code === 125) depth--;
  }
  return depth > depthMax;
}

/** A part in the format of upstream/pool, so that API requests and Runs share prompt prefixes. */
function asPart(text: string): string {
  const part = isDeep(text) ? text : (parseJson(text) ?? text);
  if (typeof part === "string") return part;
  const { role, content } = part as { role?: unknown; content?: unknown };
  return typeof role === "string" && typeof content === "string"
    ? `${role}\n${content}`
    : JSON.stringify(part);
}
