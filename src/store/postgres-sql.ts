// The Store's statements in PostgreSQL's words: values are `$1`, not `?` or `?1`.

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
