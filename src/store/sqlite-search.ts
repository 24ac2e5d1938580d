// Search in conversations in SQLite: FTS5 indexes of whole words, and of three characters in a row.

import type { FoundPassage } from "../domain/conversation.ts";
import type { PersonId } from "../domain/id.ts";
import { all, type ConversationIndex, type Work } from "./database.ts";
import { dense, excerptOf, partOf } from "./search.ts";

/** Length of an excerpt around whole words, in tokens. */
const excerptTokens = 16;
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

interface FoundRow {
  conversation: string;
  title: string;
  message: string | null;
  excerpt: string;
}

type PartRow = Omit<FoundRow, "excerpt"> & { seq: number; text: string };

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

export const sqliteConversations: ConversationIndex = { byWords, byParts };
