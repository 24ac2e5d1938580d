// The Store's statements in PostgreSQL's words: values are `$1`, not `?` or `?1`; or they stand in the text.

import type { Value } from "./database.ts";

const translated = new Map<string, string>();

/** Strings, quoted names and comments stay as they are; `?` is the next value, `?1` the first one. */
const tokens = /'(?:[^']|'')*'|"(?:[^"]|"")*"|--[^\n]*|\?(\d*)/g;

/** Translates a statement. Remembers it, so only texts of the program may be passed, never built ones. */
export function numbered(sql: string): string {
  const known = translated.get(sql);
  if (known !== undefined) return known;
  let last = 0;
  const text = sql.replace(tokens, (token, digits?: string) => {
    if (digits === undefined) return token;
    const n = digits === "" ? last + 1 : Number(digits);
    last = Math.max(last, n);
    return `$${n}`;
  });
  translated.set(sql, text);
  return text;
}

/** A statement with its values in its text, so that it can be sent together with others. */
export function inlined(sql: string, values: readonly Value[]): string {
  let last = 0;
  return sql.replace(tokens, (token, digits?: string) => {
    if (digits === undefined) return token;
    const n = digits === "" ? last + 1 : Number(digits);
    last = Math.max(last, n);
    return literal(values[n - 1] ?? null);
  });
}

function literal(value: Value): string {
  if (value === null) return "null";
  if (typeof value === "string") return quoted(value.replaceAll("\0", ""));
  if (value instanceof Uint8Array) return `'\\x${value.toHex()}'::bytea`;
  // with a sign only in brackets: two of them would begin a comment
  return Number.isSafeInteger(value) ? `(${value})` : `'${value}'::float8`;
}

/** Means the same whether the server takes backslashes in plain strings for escapes or not. */
const quoted = (text: string): string =>
  `${text.includes("\\") ? "e" : ""}'${text.replaceAll("\\", "\\\\").replaceAll("'", "''")}'`;
