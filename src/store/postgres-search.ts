// Search in conversations in PostgreSQL: indexes of whole words, and of three characters in a row, both
// without accents and case.

import type { FoundPassage } from "../domain/conversation.ts";
import type { PersonId } from "../domain/id.ts";
import { all, type ConversationIndex, one, type Work } from "./database.ts";
import { dense, excerptOf, partOf } from "./search.ts";

/** Texts that are ranked, or looked at for parts of words: the newest ones. */
const [rankedMax, partsMax] = [2_000, 200];

interface FoundRow {
  conversation: string;
  title: string;
  message: string | null;
  text: string;
}

const titles = {
  seq: "c.seq",
  text: "c.title",
  rows: "c.id as conversation, c.title, null::text as message, c.title as text from conversations c where",
};
const messages = {
  seq: "m.seq",
  text: "m.text",
  rows: `m.conversation, c.title, m.id as message, m.text
    from messages m join conversations c on c.id = m.conversation where m.deleted_at is null and`,
};
const visible = "c.deleted_at is null and c.owner = ?1";

export const postgresConversations: ConversationIndex = {
  *byWords(owner: PersonId, words: readonly string[], limit: number): Work<FoundPassage[]> {
    // as the function words() splits and shortens them
    const split = `select coalesce(json_agg(left(part, 200)), '[]')::text as parts
      from regexp_split_to_table(folded(?), '[^[:alnum:]]+') part where part <> ''`;
    const parts = (yield* one<{ parts: string }>(split, words.join(" ")))?.parts ?? "[]";
    const asked = (JSON.parse(parts) as string[]).map((part) => `'${part}'`).join(" & ");
    if (asked === "") return [];
    const found: FoundRow[] = [];
    for (const which of [titles, messages]) {
      // some are left out below, where words of a text are not beside each other as those of the query are
      const values = [owner, `${asked}:*`, rankedMax, parts, 2 * limit];
      found.push(...(yield* all<FoundRow>(ranked(which), ...values)));
    }
    const whole = words.map((word, i) => wordOf(word, i === words.length - 1));
    return found.flatMap((row) => excerpted(row, whole)).slice(0, limit);
  },

  *byParts(owner: PersonId, words: readonly string[], limit: number): Work<FoundPassage[]> {
    // shorter words are found only beside others
    if (!words.some((word) => [...word].length >= (dense.test(word) ? 2 : 3))) return [];
    const found: FoundRow[] = [];
    for (const { rows, text, seq } of [titles, messages]) {
      const like = words.map(() => `and folded(${text}) like folded(?)`).join(" ");
      const sql = `select ${rows} ${visible} ${like} order by ${seq} desc limit ?`;
      found.push(...(yield* all<FoundRow>(sql, owner, ...words.map((word) => `%${word}%`), partsMax)));
    }
    const parts = words.map(partOf);
    return found.flatMap((row) => excerpted(row, parts)).slice(0, limit);
  },
};

/**
 * The newest texts with all words, by how often they hold them for their length: BM25 (k1 = 1.2, b = 0.75)
 * among these, in which all words count as equally rare.
 */
const ranked = ({ rows, text, seq }: typeof titles): string => `with matching as materialized (
    select ${seq} as place, ${rows} ${visible} and words(${text}) @@ ?2::text::tsquery
  ), hits as (select * from matching order by place desc limit ?3), plain as (
    select *, folded(text) as plain, length(text) / avg(length(text)) over () as size from hits
  )
  select conversation, title, message, text from plain order by (
    select sum(n / (n + 1.2::float8 * (0.25::float8 + 0.75::float8 * size::float8)))
    from json_array_elements_text(?4::text::json) word,
      lateral (select (length(plain) - length(replace(plain, word, '')))::float8 / length(word)) count (n)
  ) desc nulls last, place limit ?5`;

/** Matches a whole word in any case, with or without accents; one that is unfinished with its rest. */
function wordOf(word: string, isUnfinished: boolean): RegExp {
  const letter = "[\\p{L}\\p{N}\\p{M}]";
  const end = isUnfinished ? `${letter}*` : `(?!${letter})`;
  return new RegExp(`(?<!${letter})${partOf(word).source}${end}`, "giu");
}

function excerpted({ text, ...row }: FoundRow, parts: readonly RegExp[]): FoundPassage[] {
  const excerpt = excerptOf(text, parts);
  return excerpt === null ? [] : [{ ...row, excerpt }];
}
