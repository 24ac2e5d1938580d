// Search in conversations in PostgreSQL: texts without accents and case, found by every three characters in
// a row.

import type { FoundPassage } from "../domain/conversation.ts";
import type { PersonId } from "../domain/id.ts";
import { all, type ConversationIndex, type Value, type Work } from "./database.ts";
import { dense, excerptOf, partOf } from "./search.ts";

/** Texts that are ranked, the newest ones first. */
const rankedMax = 200;

interface FoundRow {
  conversation: string;
  title: string;
  message: string | null;
  text: string;
}

const titles = `select c.id as conversation, c.title, null as message, c.title as text
  from conversations c where c.deleted_at is null and c.owner = ?`;
const messages = `select m.conversation, c.title, m.id as message, m.text
  from messages m join conversations c on c.id = m.conversation
  where c.deleted_at is null and m.deleted_at is null and c.owner = ?`;

export const postgresConversations: ConversationIndex = {
  *byWords(owner: PersonId, words: readonly string[], limit: number): Work<FoundPassage[]> {
    const patterns = words.map((word, i) => `\\m${word}${i === words.length - 1 ? "" : "\\M"}`);
    const found = yield* matching(owner, (column) => `folded(${column}) ~ folded(?)`, patterns, rankedMax);
    const whole = words.map((word, i) => wordOf(word, i === words.length - 1));
    return ranked(found, whole)
      .flatMap((row) => excerpted(row, whole))
      .slice(0, limit);
  },

  *byParts(owner: PersonId, words: readonly string[], limit: number): Work<FoundPassage[]> {
    // shorter words are found only beside others
    if (!words.some((word) => [...word].length >= (dense.test(word) ? 2 : 3))) return [];
    const like = words.map((word) => `%${word}%`);
    const found = yield* matching(owner, (column) => `folded(${column}) like folded(?)`, like, rankedMax);
    const parts = words.map(partOf);
    return found.flatMap((row) => excerpted(row, parts)).slice(0, limit);
  },
};

/** Titles and messages that meet the condition for each value: the newest, at most `limit` of each. */
function* matching(
  owner: PersonId,
  condition: (column: string) => string,
  values: readonly Value[],
  limit: number,
): Work<FoundRow[]> {
  const each = (column: string) => values.map(() => `and ${condition(column)}`).join(" ");
  const found: FoundRow[] = [];
  for (const [sql, table, column] of [
    [titles, "c", "c.title"],
    [messages, "m", "m.text"],
  ] as const)
    found.push(
      ...(yield* all<FoundRow>(
        `${sql} ${each(column)} order by ${table}.seq desc limit ?`,
        ...[owner, ...values, limit],
      )),
    );
  return found;
}

/** Matches a whole word in any case, with or without accents; one that is unfinished with its rest. */
function wordOf(word: string, isUnfinished: boolean): RegExp {
  const letter = "[\\p{L}\\p{N}\\p{M}]";
  const end = isUnfinished ? `${letter}*` : `(?!${letter})`;
  return new RegExp(`(?<!${letter})${partOf(word).source}${end}`, "giu");
}

/** Titles first; then those that hold the words most often for their length. */
function ranked(rows: readonly FoundRow[], words: readonly RegExp[]): FoundRow[] {
  const score = ({ message, text }: FoundRow): number => {
    if (message === null) return Number.POSITIVE_INFINITY;
    const hits = words.map((word) => [...text.matchAll(word)].length);
    return hits.reduce((sum, n) => sum + n / (n + 1 + text.length / 1000), 0);
  };
  return rows
    .map((row) => ({ row, score: score(row) }))
    .sort((a, b) => (a.score === b.score ? 0 : b.score - a.score))
    .map(({ row }) => row);
}

function excerpted({ text, ...row }: FoundRow, parts: readonly RegExp[]): FoundPassage[] {
  const excerpt = excerptOf(text, parts);
  return excerpt === null ? [] : [{ ...row, excerpt }];
}
