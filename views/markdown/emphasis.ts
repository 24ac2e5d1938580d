// What the parser cannot be told about marks, told by places of ours in its source: a mark beside Chinese,
// Japanese or Korean works without a space (commonmark/commonmark-spec, pull request 839), one tilde alone
// strikes nothing out, and a footnote is text, not the target of a link. They are taken out of what it wrote.

/** Stands between a mark and a sign that would keep it from being one: to the parser it is a letter. */
const letter = "\ufdd8";
/** In the place of a tilde that stands for itself. */
const tilde = "\ufdd9";

/**
 * Han, kana, hangul, bopomofo, and the signs and wide forms that go with them (East Asian Width W, F and H
 * without emoji).
 */
const cjk =
  /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Hangul}\p{Script=Bopomofo}\u2e80-\u303e\u3041-\u33ff\ua000-\ua4cf\uac00-\ud7ff\uf900-\ufaff\ufe10-\ufe19\ufe30-\ufe6f\uff01-\uffe6]/u;
/** Whether it is worth looking: cheap, and true too often. */
const maybeCjk = /[\u1100-\u11ff\u2e80-\ud7ff\ud840-\ud88f\uf900-\uffff]/;
const letterOrSpace = /^[\p{L}\p{N}\s]?$/u;

/** What begins a footnote: to the parser its first word would be a target, and shown nowhere. */
const footnote = /^[ \t>*+-]{0,12}(?:\d{1,9}[.)][ \t]+)?\[\^(?:[^\]\n\\]|\\.)+\](?=:)/gm;

/** The source with such places in it. */
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

/** What the parser wrote, without them. */
export function withoutMarks(html: string): string {
  return html.includes(tilde) || html.includes(letter)
    ? html.replaceAll(letter, "").replaceAll(tilde, "~")
    : html;
}

/** A target as the parser wrote it, percent-encoded, without them. */
export function targetWithoutMarks(target: string): string {
  return target.replaceAll(encodeURIComponent(letter), "").replaceAll(encodeURIComponent(tilde), "~");
}

/**
 * The character that begins at `at`, and the one that ends there; variation selectors belong to the one
 * before.
 */
const charAt = (text: string, at: number): string =>
  at < text.length ? String.fromCodePoint(text.codePointAt(at) as number) : "";
function charBefore(text: string, at: number): string {
  const isLow = /[\udc00-\udfff]/.test(text[at - 1] ?? "");
  return at === 0 ? "" : text.slice(at - (isLow ? 2 : 1), at);
}
