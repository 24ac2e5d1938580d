// Scans a JSON request without building a tree: finds its top-level fields and the strings that are files in
// base64. It works in slices, so that a request of many megabytes does not block the event loop. Invalid JSON
// is no error here; it yields few fields.

import { parseJson } from "../domain/json.ts";

/** Byte range of a value. */
export interface Range {
  readonly start: number;
  readonly end: number;
}

export interface Field extends Range {
  /** The first elements of an array; null for any other value. */
  readonly items: readonly Range[] | null;
  /** Number of elements. */
  readonly count: number;
  /** An element is a number: the array is one prompt, given as tokens. */
  readonly hasNumbers: boolean;
}

export interface Skimmed {
  /** The requested fields of the top-level object; the last one of a repeated name. */
  readonly fields: ReadonlyMap<string, Field>;
  /** Strings that are data instead of text, in order. */
  readonly data: readonly Range[];
}

/** Bytes that are scanned in one turn of the event loop, which takes 2 to 4 ms. */
const sliceBytes = 1 << 20;
/**
 * Most elements whose ranges are kept: as many prompt prefixes as are remembered per llama-server
 * (upstream/route).
 */
const itemsMax = 4_096;
/** A string of at least this size, without a space or backslash in its first part, is data. */
const [dataMinBytes, sampleBytes] = [16 * 1024, 4 * 1024];
/** Longest field name that is read. */
const nameMaxBytes = 64;
/** Bytes of a string that are checked one by one before `indexOf` searches for its end. */
const shortBytes = 48;

const [quote, backslash, comma, colon] = [34, 92, 44, 58];
const isOpening = (byte: number): boolean => byte === 123 || byte === 91;
const isClosing = (byte: number): boolean => byte === 125 || byte === 93;

export async function skim(body: Uint8Array, names: ReadonlySet<string>): Promise<Skimmed> {
  const bytes = Buffer.from(body.buffer, body.byteOffset, body.byteLength);
  const scan = new Scan(bytes, names);
  while (!scan.isOver) {
    scan.advance(sliceBytes);
    if (!scan.isOver) await new Promise((resolve) => setImmediate(resolve));
  }
  return { fields: scan.fields, data: scan.data };
}

class Scan {
  readonly fields = new Map<string, Field>();
  readonly data: Range[] = [];
  readonly #bytes: Buffer;
  readonly #names: ReadonlySet<string>;
  #at = 0;
  #depth = 0;
  /** Start of the current string; -1 outside of strings. */
  #string = -1;
  /** The last top-level string: a field name if a colon follows. */
  #name: string | null = null;
  #value = -1;
  #isArray = false;
  #items: Range[] = [];
  #count = 0;
  #item = -1;
  #hasNumbers = false;

  constructor(bytes: Buffer, names: ReadonlySet<string>) {
    this.#bytes = bytes;
    this.#names = names;
  }

  get isOver(): boolean {
    return this.#at >= this.#bytes.length;
  }

  advance(count: number): void {
    const until = Math.min(this.#bytes.length, this.#at + count);
    while (this.#at < until) {
      if (this.#string >= 0) this.#inString(until);
      else this.#outside(this.#bytes[this.#at] as number);
    }
  }

  #outside(byte: number): void {
    const at = this.#at++;
    if (byte <= 32) return;
    if (byte === comma || isClosing(byte)) this.#ends(byte, at);
    else if (byte === colon) {
      if (this.#depth === 1 && this.#value < 0) this.#value = this.#at;
    } else {
      if (this.#depth === 2 && this.#isArray && this.#item < 0) this.#begins(byte, at);
      if (isOpening(byte)) this.#opens(byte);
      else if (byte === quote) this.#string = at;
    }
  }

  #opens(byte: number): void {
    this.#depth++;
    if (this.#depth !== 2 || this.#name === null) return;
    this.#isArray = byte === 91;
    this.#items = [];
    this.#count = 0;
    this.#hasNumbers = false;
  }

  /** Begins an element of a top-level array. */
  #begins(byte: number, at: number): void {
    this.#item = at;
    this.#count++;
    this.#hasNumbers ||= byte === 45 || (byte >= 48 && byte <= 57);
  }

  #ends(byte: number, at: number): void {
    if (this.#depth === 2 && this.#item >= 0) {
      if (this.#items.length < itemsMax) this.#items.push({ start: this.#item, end: at });
      this.#item = -1;
    }
    if (this.#depth === 1 && this.#value >= 0) {
      const items = this.#isArray
        ? { items: this.#items, count: this.#count, hasNumbers: this.#hasNumbers }
        : { items: null, count: 1, hasNumbers: false };
      if (this.#name !== null) this.fields.set(this.#name, { start: this.#value, end: at, ...items });
      this.#value = -1;
      this.#name = null;
      this.#isArray = false;
    }
    if (isClosing(byte)) this.#depth--;
  }

  /** Moves to the end of the string: byte by byte at first, since most strings are short. */
  #inString(until: number): void {
    const soon = Math.min(until, this.#at + shortBytes);
    let at = this.#at;
    while (at < soon && this.#bytes[at] !== quote) at += this.#bytes[at] === backslash ? 2 : 1;
    if (at >= soon && at < until) {
      // a quote after an odd number of backslashes is escaped; each run of backslashes is counted once
      const from = at;
      at = this.#bytes.indexOf(quote, from);
      if (at < 0) at = this.#bytes.length;
      let slashes = 0;
      while (at - 1 - slashes >= from && this.#bytes[at - 1 - slashes] === backslash) slashes++;
      if (slashes % 2 === 1) {
        this.#at = at + 1;
        return;
      }
    }
    this.#at = at;
    if (this.#bytes[at] !== quote) return;
    this.#at = at + 1;
    this.#stringEnds(at);
  }

  #stringEnds(end: number): void {
    const start = this.#string;
    this.#string = -1;
    if (this.#depth === 1 && this.#value < 0) this.#name = this.#nameOf(start, end);
    if (end - start < dataMinBytes) return;
    const sample = this.#bytes.subarray(start + 1, start + 1 + sampleBytes);
    if (!sample.includes(32) && !sample.includes(backslash)) this.data.push({ start: start + 1, end });
  }

  #nameOf(start: number, end: number): string | null {
    if (end - start > nameMaxBytes) return null;
    const text = this.#bytes.toString("utf8", start, end + 1);
    const name = text.includes("\\") ? parseJson(text) : text.slice(1, -1);
    return typeof name === "string" && this.#names.has(name) ? name : null;
  }
}
