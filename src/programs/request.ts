// What a program's request to a door of OpenAI's or Anthropic's kind says of itself, as far as the line and
// the choice of a llama-server need to know it.

import { type Field, parsed, type Range, type Skimmed, skim } from "./skim.ts";

export interface ProgramRequest {
  readonly headers: Readonly<Record<string, string>>;
  /** As it came. */
  readonly body: Uint8Array<ArrayBuffer>;
  readonly model: string | null;
  readonly isStream: boolean;
  /** The parts of its prompt, in their order. */
  readonly parts: readonly string[];
  /** Answers that llama-server makes at once, each in a slot. */
  readonly slots: number;
}

/** Headers that llama-server may want to know; a conversation id is not among them, with which it would go on when the program is gone. */
const passedHeaders = ["content-type", "accept", "anthropic-version", "anthropic-beta"];

/** How many answers are wanted of each prompt, as OpenAI's programs and llama-server name it. */
const countNames = ["n", "n_cmpl", "best_of"];
/** What the model reads, in the order in which its template writes it. */
const promptNames = ["system", "instructions", "tools", "messages", "input", "prompt"];
const names: ReadonlySet<string> = new Set([...countNames, ...promptNames, "content", "model", "stream"]);

/** A part that is longer is compared as it stands; all together at most so much is compared: a context of a million tokens. In bytes. */
const [partMaxBytes, partsMaxBytes] = [1 << 20, 4 << 20];

/** Reads a request, whose `prompts` may be several. What is no JSON is passed on all the same: llama-server has words for it. */
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
      ? parsed(textOf(body, field.start, field.end))
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

/** An array of prompts is one where none of its elements is a number: else it is one prompt, of tokens. */
const promptsIn = (field: Field | undefined): number => (field?.items && !field.hasNumbers ? field.count : 1);

/** What the model reads: the system's words and tools, then message by message. Of files only their length and their end. */
async function partsOf(body: Uint8Array, { fields, data }: Skimmed): Promise<string[]> {
  const lists = ["messages", "input"].map((name) => fields.get(name)).find((field) => field?.items);
  const said = lists?.items ?? ["input", "prompt"].flatMap((name) => fields.get(name) ?? []);
  const before = ["system", "instructions", "tools"].flatMap((name) => fields.get(name) ?? []);
  const parts: string[] = [];
  let [bytes, sinceYield, next] = [0, 0, 0];
  const ordered = [...before, ...said];
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

/** So much of a file's end stands for it: files of one kind begin alike. */
const dataEndChars = 32;

/** JSON in which each file is its length and its end; `next` is the first of `data` that may be within. */
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

/** Nested deeper than this it is no message of a program's; JSON.stringify overflows the stack at some 40 000, after 0.8 s (measured). */
const depthMax = 500;

/** Brackets in strings are counted, too: a text that is full of them is compared as it stands. */
function isDeep(text: string): boolean {
  let depth = 0;
  for (let i = 0; i < text.length && depth <= depthMax; i++) {
    const code = text.charCodeAt(i) | 32; // [ and {, ] and } differ in this bit
    if (code === 123) depth++;
    else if (code === 125) depth--;
  }
  return depth > depthMax;
}

/** As a Run of a page writes the same, so that both find each other's beginnings. */
function asPart(text: string): string {
  const part = isDeep(text) ? text : (parsed(text) ?? text);
  if (typeof part === "string") return part;
  const { role, content } = part as { role?: unknown; content?: unknown };
  return typeof role === "string" && typeof content === "string"
    ? `${role}\n${content}`
    : JSON.stringify(part);
}
