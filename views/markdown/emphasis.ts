// Rules about marks for which the parser has no option, enforced by placeholders in its source: a mark beside
// Chinese, Japanese or Korean needs no space (commonmark/commonmark-spec, pull request 839), a single tilde
// strikes nothing out, and a footnote is text, not a link reference definition. The placeholders are removed
// from its output.

/** Separates a mark from a character that would disable it. The parser takes it for a letter. */
const letter = "\ufdd8";
/** Stands for a literal tilde. */
const tilde = "\ufdd9";

/**
 * Han, kana, hangul, bopomofo, and their punctuation and wide forms (East Asian Width W, F and H without
 * emoji).
 */
const cjk =
  /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Hangul}\p{Script=Bopomofo}\u2e80-\u303e\u3041-\u33ff\ua000-\ua4cf\uac00-\ud7ff\uf900-\ufaff\ufe10-\ufe19\ufe30-\ufe6f\uff01-\uffe6]/u;
/** A cheap test that is true for all CJK and for some other text. */
const maybeCjk = /[\u1100-\u11ff\u2e80-\ud7ff\ud840-\ud88f\uf900-\uffff]/;
const letterOrSpace = /^[\p{L}\p{N}\s]?$/u;

/** The start of a footnote. The parser would take its first word for a target and show none of it. */
const footnote = /^[ \t>*+-]{0,12}(?:\d{1,9}[.)][ \t]+)?\[\^(?:[^\]\n\\]|\\.)+\](?=:)/gm;

/** The source with the placeholders. */
export function withMarks(text: string): string {
  const noted = text.includes("[^") ? text.replace(footnote, `$&${letter}`) : text;
  if (!noted.includes("~") && !(noted.includes("*") && maybeCjk.test(noted))) return noted;
  return noted.replace(/\\[\s\S]|^ {0,3}~{3,}|\*+|~+/gm, (run, index: number) => {
    if (run === "~") return tilde;
    if (run[0] === "\\" || run[0] === " " || (run[0] === "~" && run.length !== 2)) return run;
    const before = charBefore(noted, index);
    const after = charAt(noted, index + run.length);
    const isBesideCjk = { before: cjk.test(before), after: cjk.test(after) };
    if (!isBesideCjk.before && !isBesideCjk.after) return run;
    return (letterOrSpace.test(before) ? "" : letter) + run + (letterOrSpace.test(after) ? "" : letter);
  });
}

/** The HTML of the parser without the placeholders. */
export function withoutMarks(html: string): string {
  return html.includes(tilde) || html.includes(letter)
    ? html.replaceAll(letter, "").replaceAll(tilde, "~")
    : html;
}

/** A percent-encoded target of the parser without the placeholders. */
export function targetWithoutMarks(target: string): string {
  return target.replaceAll(encodeURIComponent(letter), "").replaceAll(encodeURIComponent(tilde), "~");
}

/**
 * The character that begins at `at`, and the one that ends there. A variation selector belongs to the
 * character before it.
 */
const charAt = (text: string, at: number): string =>
  at < text.length ? String.fromCodePoint(text.codePointAt(at) as number) : "";
function charBefore(text: string, at: number): string {
  const isLow = /[\udc00-\udfff]/.test(text[at - 1] ?? "");
  return at === 0 ? "" : text.slice(at - (isLow ? 2 : 1), at);
}
