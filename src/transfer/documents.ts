// The JSON values in a file, one by one: the elements of an array, else the whole file, else one value a
// line. The depth of each is measured before it is parsed, since JSON.parse takes seconds for a few megabytes
// of brackets. Pure.

export interface Document {
  readonly where: string;
  /** Undefined where the text can't be parsed. */
  readonly value: unknown;
  readonly fault?: string;
}

/** Deepest nesting. Exports have about ten levels, arguments of tool calls a few more. */
const depthMax = 200;

const [quote, backslash, comma, newline] = [0x22, 0x5c, 0x2c, 0x0a];
const isOpening = (byte: number) => byte === 0x7b || byte === 0x5b;
const isClosing = (byte: number) => byte === 0x7d || byte === 0x5d;
const isSpace = (byte: number) => byte === 0x20 || byte === 0x09 || byte === 0x0d || byte === newline;
const decoder = new TextDecoder();

/** Values of a file. A value that can't be read has a `fault` instead, and `where` it stands. */
export function* documents(bytes: Uint8Array): Generator<Document> {
  const hasByteOrderMark = bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf;
  const start = skipSpace(bytes, hasByteOrderMark ? 3 : 0);
  if (bytes[start] === 0x5b) return yield* elements(bytes, start + 1);
  const whole = valueEnd(bytes, start, bytes.length);
  if (skipSpace(bytes, whole.end) === bytes.length && !whole.isBroken)
    return yield document("the file", bytes, start, whole);
  yield* lines(bytes, start);
}

function* elements(bytes: Uint8Array, from: number): Generator<Document> {
  for (
    let [at, number] = [skipSpace(bytes, from), 1];
    at < bytes.length && !isClosing(bytes[at] as number);
    number++
  ) {
    const found = valueEnd(bytes, at, bytes.length);
    yield document(`conversation ${number}`, bytes, at, found);
    if (found.isBroken) return;
    at = skipSpace(bytes, found.end);
    if (bytes[at] === comma) at = skipSpace(bytes, at + 1);
    else if (at < bytes.length && !isClosing(bytes[at] as number))
      return yield { where: `behind conversation ${number}`, value: undefined, fault: notJson };
  }
}

function* lines(bytes: Uint8Array, from: number): Generator<Document> {
  for (let [at, number] = [from, 1 + count(bytes, newline, from)]; at < bytes.length; number++) {
    const next = bytes.indexOf(newline, at);
    const end = next < 0 ? bytes.length : next;
    const start = skipSpace(bytes, at, end);
    if (start < end)
      yield document(`line ${number}`, bytes, start, {
        ...valueEnd(bytes, start, end),
        end,
        isBroken: false,
      });
    at = end + 1;
  }
}

const notJson = "this is no JSON object";

interface Measured {
  readonly end: number;
  readonly isTooDeep: boolean;
  /** True when the value does not end before `until`. */
  readonly isBroken: boolean;
}

/** Where the value that begins at `from` ends. */
function valueEnd(bytes: Uint8Array, from: number, until: number): Measured {
  let depth = 0;
  let isTooDeep = false;
  let isInString = false;
  for (let at = from; at < until; at++) {
    const byte = bytes[at] as number;
    if (isInString) {
      if (byte === backslash) at++;
      else if (byte === quote) isInString = false;
    } else if (byte === quote) isInString = true;
    else if (isOpening(byte)) {
      depth++;
      isTooDeep ||= depth > depthMax;
    } else if (isClosing(byte) && depth > 0) depth--;
    else if (depth > 0 || !(byte === comma || isClosing(byte) || isSpace(byte))) continue;
    else return { end: at, isTooDeep, isBroken: false };
    if (depth === 0 && !isInString) return { end: at + 1, isTooDeep, isBroken: false };
  }
  return { end: until, isTooDeep, isBroken: depth > 0 || isInString };
}

function document(
  where: string,
  bytes: Uint8Array,
  from: number,
  { end, isTooDeep, isBroken }: Measured,
): Document {
  if (isTooDeep)
    return { where, value: undefined, fault: `more than ${depthMax} values stand inside each other` };
  if (isBroken) return { where, value: undefined, fault: "the file ends in the middle of it" };
  try {
    return { where, value: JSON.parse(decoder.decode(bytes.subarray(from, end))) };
  } catch {
    return { where, value: undefined, fault: notJson };
  }
}

function skipSpace(bytes: Uint8Array, from: number, until = bytes.length): number {
  let at = from;
  while (at < until && isSpace(bytes[at] as number)) at++;
  return at;
}

function count(bytes: Uint8Array, byte: number, until: number): number {
  let found = 0;
  for (let at = 0; at < until; at++) if (bytes[at] === byte) found++;
  return found;
}
