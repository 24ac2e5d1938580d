// Files as a page shows them. If this fails, a reader can't fetch a file, or takes it for another kind or size.

import { expect, test } from "bun:test";
import type { FilePart } from "../../src/domain/part.ts";
import { FileList } from "../../views/files.tsx";
import { size } from "../../views/words/numbers.ts";
import { wordsOf } from "../../views/words.ts";

const part = (facts: Partial<FilePart> = {}): FilePart => ({
  ...{ kind: "file", file: "f".repeat(22), name: "report.pdf", type: "pdf", bytes: 1_468_006, pages: 1_200 },
  ...facts,
});
const html = (file: FilePart, { isReader = false, language = "en" as "en" | "de" } = {}) =>
  String(<FileList files={[file]} isReader={isReader} words={wordsOf(language)} />);
const facts = (file: FilePart, language: "en" | "de" = "en") =>
  /class="facts">([^<]*)</.exec(html(file, { language }))?.[1];

test("kind, length and size are said in the reader's language", () => {
  expect(facts(part())).toBe("PDF · 1,200 pages · 1.4 MB");
  expect(facts(part(), "de")).toBe("PDF · 1.200 Seiten · 1,4 MB");
  expect(facts(part({ type: "pptx", pages: 3 }), "de")).toBe("PowerPoint · 3 Folien · 1,4 MB");
  expect(facts(part({ type: "pdf", pages: 1 }))).toBe("PDF · 1.4 MB");
  expect(facts(part({ type: "epub", pages: 20 }))).toBe("EPUB · 1.4 MB");
  expect(facts(part({ type: "picture", pages: 0 }), "de")).toBe("Bild · 1,4 MB");
});

test("a size has one unit, and never reads as nothing", () => {
  expect(
    [1, 1_023, 10_240, 1 << 20, 32 << 20, 150.2 * 2 ** 20, 3 * 2 ** 30].map((bytes) => size(bytes, "en")),
  ).toEqual(["1 kB", "1 kB", "10 kB", "1 MB", "32 MB", "150 MB", "3 GB"]);
});

test("the owner's address is the file's, a reader's is below the link that they follow", () => {
  const id = "f".repeat(22);
  expect(html(part())).toContain(`href="/files/${id}" download="report.pdf"`);
  expect(html(part(), { isReader: true })).toContain(`href="?file=${id}"`);
  expect(html(part({ type: "picture" }))).toContain(`<img src="/files/${id}"`);
  expect(html(part({ type: "picture" }), { isReader: true })).toContain(`<img src="?file=${id}"`);
});

test("a name is text, whatever it holds", () => {
  const name = `"><img src=x onerror=alert(1)>.txt`;
  expect(html(part({ name }))).not.toContain("<img");
});

test("a file whose content an import left out leads nowhere, and the page says so", () => {
  expect(html(part({ file: null }))).not.toContain("href");
  expect(facts(part({ file: null }))).toBe("not part of the import");
});
