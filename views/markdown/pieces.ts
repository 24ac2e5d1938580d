// The HTML of a paragraph in pieces, each with the text that it stands for: cut where sentences begin and
// end, and wrapped in elements without tearing others apart. Pure.

/** A tag, a text, or what stands for a text (a citation, code, a line break). */
export interface Piece {
  readonly kind: "text" | "open" | "close" | "other";
  readonly html: string;
  readonly text: string;
}

export const htmlOf = (pieces: readonly Piece[]): string => pieces.map(({ html }) => html).join("");
export const textOf = (pieces: readonly Piece[]): string => pieces.map(({ text }) => text).join("");

/** Indexes of the first piece and of the one behind the last. */
export interface Range {
  readonly start: number;
  readonly end: number;
}

/** Cuts the pieces of a text at the ends of its sentences; returns all pieces, and those of each sentence. */
export function cutAt(
  pieces: readonly Piece[],
  ends: readonly number[],
): { cut: readonly Piece[]; sentences: readonly Range[] } {
  const text = textOf(pieces);
  const spans = ends.map((end, i) => {
    const from = ends[i - 1] ?? 0;
    return { from: from + (/^\s*/.exec(text.slice(from, end))?.[0].length ?? 0), to: end };
  });
  const places = spans.flatMap(({ from, to }) => [from, to]);
  const cut: Piece[] = [];
  /** By place: index of the first piece with text behind it, and of the piece behind the last one before it. */
  const begins = new Map<number, number>();
  const stops = new Map<number, number>();
  let at = 0;
  let next = 0;
  for (const piece of pieces) {
    let rest = piece;
    const isPlain = piece.html === piece.text; // a character reference is one character
    while (next < places.length && (places[next] as number) <= at) next++;
    for (; next < places.length && (places[next] as number) < at + rest.text.length; next++) {
      const length = (places[next] as number) - at;
      if (!isPlain || length === 0) continue;
      put({ ...rest, html: rest.html.slice(0, length), text: rest.text.slice(0, length) });
      rest = { ...rest, html: rest.html.slice(length), text: rest.text.slice(length) };
    }
    put(rest);
  }
  function put(piece: Piece): void {
    if (piece.text !== "" && !begins.has(at)) begins.set(at, cut.length);
    cut.push(piece);
    at += piece.text.length;
    if (piece.text !== "") stops.set(at, cut.length);
  }
  const sentences = spans.flatMap(({ from, to }): Range[] => {
    const [start, end] = [begins.get(from), stops.get(to)];
    return start === undefined || end === undefined || end <= start ? [] : [{ start, end }];
  });
  return { cut, sentences };
}

/** The range with the tags directly around it that belong to tags within it. */
export function withTags(pieces: readonly Piece[], { start, end }: Range): Range {
  const { opens, closes } = unmatched(pieces.slice(start, end));
  let [from, to] = [start, end];
  for (let i = closes.length; i > 0 && pieces[from - 1]?.kind === "open"; i--) from--;
  for (let i = opens.length; i > 0 && pieces[to]?.kind === "close"; i--) to++;
  return { start: from, end: to };
}

/** Indexes of tags whose counterpart is not among the pieces. */
function unmatched(pieces: readonly Piece[]): { opens: readonly number[]; closes: readonly number[] } {
  const opens: number[] = [];
  const closes: number[] = [];
  for (const [i, { kind }] of pieces.entries()) {
    if (kind === "open") opens.push(i);
    else if (kind === "close" && opens.pop() === undefined) closes.push(i);
  }
  return { opens, closes };
}

/**
 * The pieces in an element; in several where a tag that reaches beyond them would be torn apart. `last` are
 * further attributes of the last one.
 */
export function wrapped(pieces: readonly Piece[], attributes: string, last: string): string {
  const { opens, closes } = unmatched(pieces);
  const torn = new Set([...opens, ...closes]);
  const parts: { readonly html: string; readonly isSentence: boolean }[] = [];
  for (let i = 0; i < pieces.length; ) {
    const from = i;
    if (torn.has(i)) i++;
    else while (i < pieces.length && !torn.has(i)) i++;
    const part = pieces.slice(from, i);
    parts.push({ html: htmlOf(part), isSentence: !torn.has(from) && textOf(part).trim() !== "" });
  }
  const end = parts.findLastIndex(({ isSentence }) => isSentence);
  return parts
    .map(({ html, isSentence }, i) =>
      isSentence ? `<span${attributes}${i === end ? last : ""}>${html}</span>` : html,
    )
    .join("");
}
