// What a program's request to a door of OpenAI's or Anthropic's kind says of itself, as far as the line and the choice of a llama-server need to know it.
// Used by text/relay.

import { Failure } from "../domain/failure.ts";

export interface Asking {
  readonly headers: Readonly<Record<string, string>>;
  /** As it came. */
  readonly body: string;
  readonly model: string | null;
  readonly isStream: boolean;
  /** The parts of its prompt, in their order. */
  readonly parts: readonly string[];
}

/** Headers that llama-server may want to know; a conversation id is not among them, with which it would go on when the program is gone. */
const passedHeaders = ["content-type", "accept", "anthropic-version", "anthropic-beta"];

/** Reads a request. What is no JSON is passed on all the same: llama-server has words for it. @throws Failure `too_large` */
export async function askingOf(request: Request, maxBytes: number): Promise<Asking> {
  const headers = Object.fromEntries(
    passedHeaders.flatMap((name) => {
      const value = request.headers.get(name);
      return value === null ? [] : [[name, value]];
    }),
  );
  const body = await bodyOf(request, maxBytes);
  const { model, stream, ...rest } = fieldsOf(body);
  return { headers, body, model: typeof model === "string" && model !== "" ? model : null, isStream: stream === true, parts: partsOf(rest) };
}

/** A request's body as text, within a bound. @throws Failure `too_large` */
export async function bodyOf(request: Request, maxBytes: number): Promise<string> {
  if (Number(request.headers.get("content-length") ?? 0) > maxBytes) throw new Failure("too_large", { limitBytes: maxBytes });
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  try {
    for await (const chunk of request.body ?? []) {
      bytes += chunk.byteLength;
      if (bytes > maxBytes) throw new Failure("too_large", { limitBytes: maxBytes });
      chunks.push(chunk);
    }
  } catch (error) {
    throw request.signal.aborted ? new Failure("stopped") : error; // whoever sent it is gone
  }
  return Buffer.concat(chunks).toString("utf8");
}

function fieldsOf(body: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(body);
    return typeof value === "object" && value !== null && !Array.isArray(value) ? (value as Record<string, unknown>) : {};
  } catch {
    return {};
  }
}

/** What the model reads, in the order in which its template writes it: the system's words and tools, then message by message. */
function partsOf({ system, instructions, tools, messages, input, prompt }: Record<string, unknown>): string[] {
  const list = [messages, input].find((each) => Array.isArray(each)) as unknown[] | undefined;
  const before = [system, instructions, tools].filter((each) => each !== undefined);
  const said = list ?? [input, prompt].filter((each) => each !== undefined);
  return [...before, ...said].map((each) => asPart(each));
}

/** As a Run of a page writes the same, so that both find each other's beginnings. */
function asPart(part: unknown): string {
  if (typeof part === "string") return part;
  const { role, content } = (part ?? {}) as { role?: unknown; content?: unknown };
  return typeof role === "string" && typeof content === "string" ? `${role}\n${content}` : JSON.stringify(part);
}
