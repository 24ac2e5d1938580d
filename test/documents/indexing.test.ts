// A folder that becomes a collection. If this fails, the search finds what is no longer there, or misses what is.

import { afterEach, beforeEach, expect, test } from "bun:test";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { defaultBounds } from "../../src/config/config.ts";
import { indexFolder } from "../../src/documents/indexing.ts";
import { searchPassages } from "../../src/documents/search.ts";
import { localPerson } from "../../src/domain/account.ts";
import { openSqlite } from "../../src/store/sqlite.ts";
import type { Store } from "../../src/store/store.ts";
import { corpus, questions } from "./corpus.ts";
import { bounds as extractBounds, pdf, word } from "./fixtures.ts";

let store: Store;
let folder: string;
let file: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "parlor-documents-"));
  file = join(mkdtempSync(join(tmpdir(), "parlor-store-")), "parlor.db");
  store = openSqlite(file);
});
afterEach(() => store.close());

const write = (path: string, content: string | Uint8Array) => {
  mkdirSync(dirname(join(folder, path)), { recursive: true });
  writeFileSync(join(folder, path), content);
};
async function index(bounds: Partial<typeof defaultBounds> = {}) {
  const failed: string[] = [];
  const textless: string[] = [];
  const { id } =
    (await store.collections.find(localPerson, "c")) ??
    (await store.collections.add(localPerson, "c", folder));
  const counts = await indexFolder(id, folder, {
    documents: store.documents,
    bounds: { ...defaultBounds, ...extractBounds, ...bounds },
    failed: (path, { code }) => void failed.push(`${path} ${code}`),
    lacksText: (path, pages) => void textless.push(`${path} ${pages}`),
  });
  return { ...counts, failures: failed, textless };
}
const find = async (question: string, limit = 5) => {
  const collections = (await store.collections.reachable(localPerson)).map(({ id }) => id);
  return searchPassages(store.collections, question, { collections, limit });
};
const paths = async (question: string) => (await find(question)).map(({ path }) => path);
const none = {
  ...{ stored: 0, unchanged: 0, forgotten: 0, skipped: 0, failed: 0, unsettled: 0 },
  ...{ failures: [], textless: [] },
};

test("questions in German and English find the passage that answers them", async () => {
  for (const [path, text] of Object.entries(corpus)) write(path, text);
  await index();
  for (const [question, path, says] of questions) {
    const [best] = await find(question);
    expect({ question, path: best?.path, isThere: best?.text.includes(says) }).toEqual({
      question,
      path,
      isThere: true,
    });
    const text = corpus[path] as string;
    expect(text.slice(best?.start, best?.end)).toBe(best?.text as string);
  }
});

test("only what has changed is read again, and what has vanished is forgotten", async () => {
  write("a.txt", "The notice period is three months.");
  write("deep/er/b.md", "# Heating\n\nIt is read once a year.");
  expect(await index()).toEqual({ ...none, stored: 2 });
  expect(await index()).toEqual({ ...none, unchanged: 2 });
  write("a.txt", "The notice period is four weeks.");
  expect(await index()).toEqual({ ...none, stored: 1, unchanged: 1 });
  expect((await find("notice"))[0]?.text).toBe("The notice period is four weeks.");
  expect(await find("months")).toEqual([]);
  rmSync(join(folder, "deep"), { recursive: true });
  expect(await index()).toEqual({ ...none, unchanged: 1, forgotten: 1 });
  expect(await paths("heating")).toEqual([]);
});

test("names that begin with a dot and links are left out, other kinds of files counted", async () => {
  write("a.txt", "notice");
  write(".git/config.txt", "notice");
  write(".hidden.txt", "notice");
  write("program.exe", new Uint8Array([0, 1, 2]));
  symlinkSync("/etc", join(folder, "etc"));
  symlinkSync(join(folder, "a.txt"), join(folder, "link.txt"));
  expect(await index()).toEqual({ ...none, stored: 1, skipped: 1 });
  expect(await paths("notice")).toEqual(["a.txt"]);
});

test("a file that can't be read is told, stands in nobody's way, and its old text is not found", async () => {
  write("a.txt", "notice");
  write("b.txt", "period");
  await index();
  write("a.txt", "%PDF-1.7 cut off");
  write("b.txt", "x".repeat(2_000));
  write("c.txt", "months");
  expect(await index({ documentMaxBytes: 1_024 })).toEqual({
    ...none,
    ...{ stored: 1, forgotten: 2, failed: 2 },
    failures: ["a.txt file_unreadable", "b.txt too_large"],
  });
  expect(await paths("notice period months")).toEqual(["c.txt"]);
});

test("a document has its pages and headings; pages that are pictures are told", async () => {
  write(
    "report.bin",
    pdf([[["Notice period: three months, in writing.", 0]], [], [["The heating is read in June.", 0]]]),
  );
  const heading = '<w:style w:styleId="Own"><w:pPr><w:outlineLvl w:val="0"/></w:pPr></w:style>';
  const body = `<w:p><w:pPr><w:pStyle w:val="Own"/></w:pPr><w:r><w:t>Deposit</w:t></w:r></w:p>
    <w:p><w:r><w:t>It is paid back after a year.</w:t></w:r></w:p>`;
  write("letter.docx", word(body, { "word/styles.xml": `<w:styles>${heading}</w:styles>` }));
  expect(await index()).toEqual({ ...none, stored: 2, textless: ["report.bin 2"] });
  expect((await find("heating"))[0]).toMatchObject({ path: "report.bin", page: 3 });
  expect((await find("deposit"))[0]).toMatchObject({ path: "letter.docx", headings: ["Deposit"] });
});

test("a folder with too many files changes nothing", async () => {
  write("a.txt", "notice");
  await index();
  write("b.txt", "period");
  rmSync(join(folder, "a.txt"));
  write("c.txt", "months");
  await expect(index({ collectionDocumentsMax: 1 })).rejects.toMatchObject({ code: "collection_full" });
  expect(await paths("notice period months")).toEqual(["a.txt"]);
});

test("an empty file is a document without passages", async () => {
  write("a.txt", "");
  expect(await index()).toEqual({ ...none, stored: 1 });
  expect(await index()).toEqual({ ...none, unchanged: 1 });
});

test("X7: what was forgotten leaves no byte in the file, nor in its index", async () => {
  write("secret.md", `${"Lorem ipsum dolor. ".repeat(400)}\n\nZwiebelkuchenrezept Quittengelee`);
  write("kept.md", `${"Amet consectetur. ".repeat(400)}\n\nButterbrot`);
  await index();
  rmSync(join(folder, "secret.md"));
  await index();
  await store.close();
  const bytes = readFileSync(file, "latin1");
  for (const word of ["Zwiebelkuchen", "zwiebelkuch", "tpezernehcukl", "Quittengelee", "quittengel"])
    expect({ word, isThere: bytes.includes(word) }).toEqual({ word, isThere: false });
  expect(bytes.includes("Butterbrot")).toBe(true);
  store = openSqlite(file);
  expect(await paths("Butterbrot")).toEqual(["kept.md"]);
});
