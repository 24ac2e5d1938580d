// Bytes as text: which encoding they have, and whether they are text at all. Pure.

/** A file's beginning that is looked at to tell text from other data, in bytes. */
const headBytes = 64 * 1024;

const hasUtf16Mark = ([first, second]: Uint8Array): "utf-16le" | "utf-16be" | null =>
  first === 0xff && second === 0xfe ? "utf-16le" : first === 0xfe && second === 0xff ? "utf-16be" : null;

/** The text, if the bytes are UTF-8; a character that is cut off at the end is left out. */
function utf8(bytes: Uint8Array): string | null {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes, { stream: true });
  } catch {
    return null;
  }
}

/** UTF-16 with a byte order mark, UTF-8, else `fallback`, an encoding in which every byte is a character. */
export function decodeText(bytes: Uint8Array, fallback = "windows-1252"): string {
  const utf16 = hasUtf16Mark(bytes);
  if (utf16 !== null) return new TextDecoder(utf16).decode(bytes);
  return utf8(bytes) ?? new TextDecoder(fallback).decode(bytes);
}

/** True if the bytes look like text in one of the encodings of `decodeText`. */
export function isText(bytes: Uint8Array): boolean {
  if (hasUtf16Mark(bytes) !== null) return true;
  const head = bytes.subarray(0, headBytes);
  let [controls, high] = [0, 0];
  for (const byte of head) {
    if (byte === 0) return false;
    if (byte < 9 || byte === 11 || (byte > 13 && byte < 32 && byte !== 27)) controls++;
    if (byte > 127) high++;
  }
  if (controls > head.length / 200) return false;
  return high <= head.length / 2 || utf8(head) !== null;
}

/** Line ends as `\n`, no byte order mark, no control characters but tabs and line ends, no half characters. */
export function cleaned(text: string): string {
  return text
    .replace(/^\uFEFF/, "")
    .replace(/\r\n?|[\u2028\u2029]/g, "\n")
    .replace(/\f/g, "\n\n")
    .replace(/[^\P{Cc}\n\t]/gu, "")
    .toWellFormed();
}
