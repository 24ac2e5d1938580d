// Counts the tokens of an answer that is passed on, from its bytes.

/** Fields in which an answer ends with its token counts: llama-server's own, OpenAI's and Anthropic's. */
const figures = /"(prompt_n|predicted_n|output_tokens|completion_tokens|total_tokens)":\s*(\d{1,9})(?!\d)/g;

/**
 * Tokens of an answer after these bytes: its own count if they hold one, else one more per event.
 * @param before the tokens up to these bytes
 */
export function tokensIn(bytes: Uint8Array, before: number): number {
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (!text.includes('_n"') && !text.includes('_tokens"')) return before + eventsIn(text);
  const found: Record<string, number> = {};
  for (const [, name, value] of text.toString("latin1").matchAll(figures))
    found[name as string] ??= Number(value);
  const { prompt_n: read, predicted_n: written, output_tokens, completion_tokens, total_tokens } = found;
  if (read !== undefined && written !== undefined) return read + written;
  return (
    [output_tokens, completion_tokens, total_tokens].find((each) => each !== undefined && each > before) ??
    before + eventsIn(text)
  );
}

function eventsIn(bytes: Buffer): number {
  let events = bytes.indexOf("data: ") === 0 ? 1 : 0;
  for (let at = bytes.indexOf("\ndata: "); at >= 0; at = bytes.indexOf("\ndata: ", at + 1)) events++;
  return events;
}
