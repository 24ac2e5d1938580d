// Search in SQLite: first whole words, best match first; then parts of words, newest first.

import type { FoundPassage } from "../domain/conversation.ts";
import type { PersonId } from "../domain/id.ts";
import { all, type Work } from "./database.ts";

/** Length of an excerpt: in tokens where FTS5 makes it; else characters before the match, and in total. */
const excerptTokens = 16;
const [excerptBefore, excerptLength] = [40, 120];
/**
 * Marks around a match: control characters, which are rare in texts. A text that holds one shows an extra
 * mark.
 */
const [open, close] = ["\u0001", "\u0002"];
/**
 * A word of two letters is looked up by the indexed three-letter pieces that begin with it: at most by this
 * many.
 */
const termsMax = 2_000;
/**
 * Words of two letters that are looked up so. Others are searched for in the passages that these have found.
 */
const shortWordsMax = 4;
/**
 * Queries of the search for parts. More are hardly needed: a passage with all three-letter pieces of a word
 * nearly always holds the word.
 */
const roundsMax = 4;

/**
 * Letters of writing systems in which words have no spaces between them, or in which two letters make a word.
 */
const dense = new RegExp(
  `[${["Han", "Hiragana", "Katakana", "Hangul", "Thai", "Lao", "Khmer", "Myanmar"]
    .map((script) => `\\p{Script=${script}}`)
    .join("")}]`,
  "u",
);
/** Marks above and below Latin, Greek and Cyrillic letters. */
const accents = "[\\u0300-\\u036f]";

interface FoundRow {
  conversation: string;
  title: string;
  message: string | null;
  excerpt: string;
}

type PartRow = Omit<FoundRow, "excerpt"> & { seq: number; text: string };

/** See `Database.searchConversations`. */
export function* search(owner: PersonId, query: string, limit: number): Work<FoundPassage[]> {
  const words = query.normalize("NFC").match(/[\p{L}\p{N}\p{M}]+/gu);
  if (!words) return [];
  const found = yield* byWords(owner, words, limit);
  if (found.length >= limit) return found;
  const known = new Set(found.map(({ conversation, message }) => message ?? conversation));
  const more = yield* byParts(owner, words, limit);
  const others = more.filter(({ conversation, message }) => !known.has(message ?? conversation));
  return [...found, ...others].slice(0, limit);
}

function* byWords(owner: PersonId, words: readonly string[], limit: number): Work<FoundPassage[]> {
  // quotes keep FTS5 from reading a word as an operator; the last word may be unfinished
  const match = `${words.map((word) => `"${word}"`).join(" ")}*`;
  const excerpt = (table: string) => `snippet(${table}, 0, '${open}', '${close}', '…', ${excerptTokens})`;
  const titles = yield* all<FoundRow>(
    `select c.id as conversation, c.title, null as message, ${excerpt("title_search")} as excerpt
     from title_search join conversations c on c.seq = title_search.rowid
     where title_search match ?1 and c.deleted_at is null and c.owner = ?3
     order by bm25(title_search), c.updated_at desc limit ?2`,
    match,
    limit,
    owner,
  );
  const messages = yield* all<FoundRow>(
    `select m.conversation, c.title, m.id as message, ${excerpt("message_search")} as excerpt
     from (select ms.rowid, ms.rank from message_search ms
           join messages m on m.seq = ms.rowid join conversations c on c.id = m.conversation
           where message_search match ?1 and c.deleted_at is null and m.deleted_at is null and c.owner = ?3
           order by ms.rank limit ?2) hit
     join message_search on message_search.rowid = hit.rowid and message_search match ?1
     join messages m on m.seq = hit.rowid join conversations c on c.id = m.conversation order by hit.rank`,
    match,
    limit,
    owner,
  );
  return [...titles, ...messages]
    .slice(0, limit)
    .map((row) => ({ ...row, excerpt: row.excerpt.split(new RegExp(`[${open}${close}]`)) }));
}

/** Passages in which each of `words` is part of a word. */
function* byParts(owner: PersonId, words: readonly string[], limit: number): Work<FoundPassage[]> {
  const parts = words.map(partOf);
  const titles = `select c.seq, c.id as conversation, c.title, null as message, c.title as text
    from title_parts p cross join conversations c on c.seq = p.rowid where title_parts match ?1`;
  const messages = `select m.seq, m.conversation, c.title, m.id as message, m.text
    from message_parts p cross join messages m on m.seq = p.rowid
    cross join conversations c on c.id = m.conversation
    where message_parts match ?1 and m.deleted_at is null`;
  const found: FoundPassage[] = [];
  for (const [sql, terms] of [
    [titles, "title_terms"],
    [messages, "message_terms"],
  ] as const) {
    const match = yield* matchOf(words, terms);
    if (match === null) continue;
    let before = Number.MAX_SAFE_INTEGER;
    for (let round = 0; round < roundsMax && found.length < limit; round++) {
      const rest =
        "and p.rowid < ?4 and c.deleted_at is null and c.owner = ?3 order by p.rowid desc limit ?2";
      const rows = yield* all<PartRow>(`${sql} ${rest}`, match, limit, owner, before);
      for (const { seq, text, ...row } of rows) {
        before = seq;
        const excerpt = excerptOf(text, parts);
        if (excerpt) found.push({ ...row, excerpt });
      }
      if (rows.length < limit) break;
    }
  }
  return found;
}

/**
 * The FTS5 query: all three-letter pieces of all words. Null where no word is long enough, or one word occurs
 * nowhere.
 */
function* matchOf(
  words: readonly string[],
  vocabulary: "title_terms" | "message_terms",
): Work<string | null> {
  const pieces: string[] = [];
  let shortWords = 0;
  for (const word of words) {
    const letters = [...word];
    if (letters.length === 2 && dense.test(word) && shortWords++ < shortWordsMax) {
      const begin = word.toLowerCase();
      const sql = `select term from ${vocabulary} where term >= ?1 and term < ?2 limit ${termsMax}`;
      const longer = yield* all<{ term: string }>(sql, begin, `${begin}\u{10ffff}`);
      if (longer.length === 0) return null;
      pieces.push(`(${longer.map(({ term }) => `"${term.replaceAll('"', '""')}"`).join(" OR ")})`);
    }
    for (let i = 0; i + 3 <= letters.length; i++) {
      const piece = letters.slice(i, i + 3).join("");
      // a mark is part of a letter, so a piece with one has fewer letters than the index knows
      if (!/\p{M}/u.test(piece)) pieces.push(`"${piece}"`);
    }
  }
  return pieces.length === 0 ? null : pieces.join(" AND ");
}

/**
 * Matches a word in any case, with or without accents. A short word matches only at the beginning of a word.
 */
function partOf(word: string): RegExp {
  const letters = [...decomposed(word).replace(new RegExp(accents, "g"), "")];
  const begins = letters.length < 3 && !dense.test(word) ? "(?<![\\p{L}\\p{N}])" : "";
  return new RegExp(begins + letters.map((letter) => `${letter}${accents}*`).join(""), "giu");
}

/**
 * Separates letters from their accents. Korean and Japanese are left alone: a syllable is not part of
 * another.
 */
function decomposed(text: string): string {
  return text.replace(/[\u00c0-\u1fff]+/g, (letters) => letters.normalize("NFD"));
}

/** An excerpt around the first match; matches are in every second place. Null where a part is missing. */
function excerptOf(whole: string, parts: readonly RegExp[]): string[] | null {
  const text = decomposed(whole);
  const first = parts.map((part) => text.search(part));
  if (first.includes(-1)) return null;
  const at = Math.min(...first);
  const from = at <= excerptBefore ? 0 : beginningOfWord(text, at - excerptBefore, at);
  const window = text.slice(from, from + excerptLength);
  const marks = parts.flatMap((part) =>
    [...window.matchAll(part)].map((found) => ({ start: found.index, end: found.index + found[0].length })),
  );
  const pieces: string[] = [];
  let done = 0;
  for (const { start, end } of marks.sort((a, b) => a.start - b.start)) {
    if (start < done) continue; // overlaps the match before
    pieces.push(window.slice(done, start), window.slice(start, end));
    done = end;
  }
  pieces.push(window.slice(done));
  pieces[0] = (from > 0 ? "…" : "") + pieces[0];
  pieces[pieces.length - 1] += from + excerptLength < text.length ? "…" : "";
  return pieces.map((piece) => piece.normalize("NFC").toWellFormed());
}

/** The first beginning of a word between `from` and `before`; `from` where there is none. */
function beginningOfWord(text: string, from: number, before: number): number {
  const space = text.slice(from, before).search(/\s/);
  return space === -1 ? from : from + space + 1;
}
