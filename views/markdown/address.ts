// Bare addresses in a text, without brackets around them: where each begins and ends, and its target. The
// parser knows few forms of them and breaks emphasis around them, so they are found before it runs.

/** Longest address, in UTF-16 units: every server and address bar accepts as much. */
export const addressMaxChars = 2_000;

/** Han, kana, hangul: scripts that put no space between an address and the text after it. */
const cjk = String.raw`\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Hangul}`;

/**
 * Characters that end an address: white space, characters that no address may contain or that change the
 * direction of text, quotes, the punctuation of scripts without spaces, our placeholders.
 */
const stop =
  /[\s\p{Cc}\u200b\u200e\u200f\u202a-\u202e\u2066-\u2069<>"`|^\u3001-\u3003\u3008-\u3011\u3014-\u301f\uff01\uff08\uff09\uff0c\uff1a\uff1b\uff1f\u2014\u2018-\u201f\u2026\u00ab\u00bb\ufdd0-\ufdef]/u;
/** Characters that follow an address rather than end it. */
const trailing = new Set(".,:;!?'*_~([{\u2013");
const escapable = new Set("_*~&#-.()[]!");
const reference = /&(?:quot|lt|gt|apos|nbsp|#\d{1,7}|#x[0-9a-f]{1,6});/iy;
const pairs: Readonly<Record<string, string>> = { ")": "(", "]": "[", "}": "{" };

/** Whether an address may begin at `at`: not in the middle of a word. */
export function mayBegin(text: string, at: number): boolean {
  const before = text[at - 1] ?? "";
  return !/[a-z0-9+@/]/i.test(before === "_" ? (text[at - 2] ?? "") : before);
}

/**
 * The end of the characters that may belong to an address from `from`, with trailing punctuation; at most
 * `addressMaxChars` further.
 */
export function reachOf(text: string, from: number): number {
  const around = markBefore(text, from);
  const open: string[] = [];
  const limit = Math.min(text.length, from + addressMaxChars);
  let i = from;
  for (; i < limit; i++) {
    const sign = text[i] as string;
    if (sign === "(" || sign === "[" || sign === "{") open.push(sign);
    else if (sign in pairs) {
      if (open.pop() !== pairs[sign]) return i;
    } else if (sign === "\\") {
      if (!escapable.has(text[++i] ?? " ")) return i - 1;
    } else if (sign === "&") {
      reference.lastIndex = i;
      if (reference.test(text)) return i;
    } else if (stop.test(sign)) return i;
    const isNext = (sign === "," || sign === ";") && /^https?:\/\//i.test(text.slice(i + 1, i + 9));
    if (isNext) return text.startsWith("&amp;", i - "&amp".length) ? i - "&amp".length : i;
    if ((sign === "*" && text[i + 1] === "*") || (sign === "~" && text[i + 1] === "~")) return i;
    if (sign === around && !inWord.test(text[i + 1] ?? "")) return i;
  }
  return i;
}

/** The mark or quote right before an address. The same character ends the address. */
function markBefore(text: string, from: number): string {
  const sign = text[from - 1] ?? "";
  return (sign === "*" && text[from - 2] !== "*") || sign === "_" || sign === "'" ? sign : "";
}

/** The character after such a mark if the mark is part of the address. */
const inWord = new RegExp(`(?![${cjk}])[\\p{L}\\p{N}]`, "u");

/** A port or a top-level domain that is followed by text in another script without a space. */
const gluedTo = new RegExp(`:\\d+(?=[^\\x00-\\x7f])|(?<=^|[.@])[a-z0-9-]+(?=[${cjk}][^.]*$)`, "iu");

/** The end of the address that begins at `from`; null if there is none. */
export function endOfAddress(text: string, from: number): number | null {
  let end = reachOf(text, from);
  if (end - from >= addressMaxChars) return null;
  while (end > from && trailing.has(text[end - 1] as string))
    end -= text.startsWith("&amp;", end - "&amp;".length) ? "&amp;".length : 1;
  const whole = text.slice(from, end);
  const [before = "", host = ""] = /^(?:https?:\/\/|www\.|mailto:)([^\s/?#]*)/i.exec(whole) ?? [];
  const glued = host === "" ? null : gluedTo.exec(host);
  if (glued) end = from + before.length - host.length + glued.index + glued[0].length;
  return targetOf(text.slice(from, end)) === null ? null : end;
}

/** An address without its escapes of Markdown and HTML. */
export const plainOf = (address: string): string =>
  address.replace(/\\(?=[_*~&#.()[\]!-])/g, "").replaceAll("&amp;", "&");

/** The target of an address, escaped for an href; null if the text is no address. */
export function targetOf(address: string): string | null {
  const plain = plainOf(address);
  let target: string | null = null;
  if (/^https?:\/\/[\p{L}\p{N}[_]/iu.test(plain) || /^https?:\/\/[^\s/@]+@[\p{L}\p{N}[]/iu.test(plain))
    target = plain;
  else if (/^www\.[\p{L}\p{N}][^\s/]*\.[\p{L}\p{N}]/iu.test(plain)) target = `http://${plain}`;
  else if (/^mailto:[^\s@]+@[\p{L}\p{N}]/iu.test(plain)) target = plain;
  else if (isMail.test(plain)) target = `mailto:${plain}`;
  if (target === null || !URL.canParse(target)) return null;
  return Bun.escapeHTML(target.replace(/[^\x21-\x7e]+/gu, encodeURIComponent));
}

const isMail = /^[\p{L}\p{M}\p{N}.+%_-]+@[\p{L}\p{N}][\p{L}\p{M}\p{N}.-]*\.[\p{L}][\p{L}\p{M}\p{N}-]+$/u;

/**
 * The characters before and after the @ of a mail address. CJK ends the address, because it follows without a
 * space.
 */
const mailBefore = new RegExp(`(?![${cjk}])[\\p{L}\\p{M}\\p{N}.+%_-]`, "u");
const mailBehind = new RegExp(
  `@(?:(?![${cjk}])[\\p{L}\\p{M}\\p{N}-])+(?:\\.(?:(?![${cjk}])[\\p{L}\\p{M}\\p{N}-])+)+`,
  "uy",
);
/** Longest parts of a mail address, in characters (RFC 5321, §4.5.3.1). */
const mailLocalMaxChars = 64;
const mailDomainMaxChars = 255;

/** The mail address around the @ at `at`, not before `from`; null if there is none. */
export function mailAround(text: string, at: number, from: number): { start: number; end: number } | null {
  let before = at;
  while (before > Math.max(from, at - mailLocalMaxChars) && mailBefore.test(text[before - 1] as string))
    before--;
  const local = text.slice(before, at).replace(/^[._%+-]+/, "");
  mailBehind.lastIndex = 0;
  const [behind = ""] = mailBehind.exec(text.slice(at, at + mailDomainMaxChars)) ?? [];
  const start = at - local.length;
  const end = at + behind.replace(/-+$/, "").length;
  return local !== "" && isMail.test(text.slice(start, end)) ? { start, end } : null;
}
