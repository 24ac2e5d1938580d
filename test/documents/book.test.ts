// A real book of 276 pages as PDF, beside the plain text of the same book: Debian's reference in German. If this
// fails, real documents lose words that small ones made by hand do not.

import { expect, test } from "bun:test";
import { gunzipSync } from "node:zlib";
import { Extractor } from "../../src/documents/extractor.ts";
import { book, fetchBook } from "./debian-book.ts";
import { bounds } from "./fixtures.ts";

const missing = await fetchBook();
if (missing !== null) console.warn(`test/documents/book.test.ts is skipped: ${missing}`);

test.skipIf(missing !== null)("every page of a real book, and nearly every word of it", async () => {
  const bytes = Bun.file(book.pdf);
  const { pages, title, picturePages } = await new Extractor(bounds).extract(bytes.stream(), "book.pdf");
  expect(pages.length).toBeGreaterThan(250);
  expect(pages.map(({ page }) => page)).toEqual(pages.map((_, i) => i + 1));
  expect(title ?? "").toContain("Debian");
  expect(picturePages.length).toBeLessThan(5);
  const words = (text: string) => new Set(text.toLowerCase().match(/\p{L}{4,}/gu));
  const found = words(pages.map(({ text }) => text).join("\n"));
  const expected = [...words(gunzipSync(await Bun.file(book.text).bytes()).toString())];
  expect(expected.length).toBeGreaterThan(5_000);
  expect(expected.filter((word) => found.has(word)).length / expected.length).toBeGreaterThan(0.95);
});
