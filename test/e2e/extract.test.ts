// `parlor extract` from the executable: the process that reads a document is the executable itself. If this
// fails, documents can be read from the sources only.

import { expect, test } from "bun:test";
import { mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pdf, pdfOf, word, workbook } from "../documents/fixtures.ts";
import { bareEnvironment, executable } from "./stage.ts";

const folder = mkdtempSync(join(tmpdir(), "parlor-extract-"));

function run(args: readonly string[]): { code: number; out: string; err: string } {
  const { exitCode, stdout, stderr } = Bun.spawnSync([executable, ...args], {
    env: { ...bareEnvironment, PARLOR_DATA: folder },
    cwd: "/",
    timeout: 120_000,
  });
  return { code: exitCode, out: stdout.toString(), err: stderr.toString() };
}

function fileOf(name: string, bytes: Uint8Array | string): string {
  const file = join(folder, name);
  writeFileSync(file, bytes);
  return file;
}

test("a PDF, a Word document, a workbook, a web page and a text", () => {
  const pages = pdf([[["The first page has words enough.", 0]], [["Short.", 0]]]);
  expect(run(["extract", fileOf("a.pdf", pages)])).toEqual({
    code: 0,
    out: "The first page has words enough.\n\fShort.\n",
    err: "parlor: pages without text: 2\n",
  });
  const letter = word("<w:p><w:r><w:t>Grüße</w:t></w:r></w:p>");
  expect(run(["extract", fileOf("a.docx", letter)])).toEqual({ code: 0, out: "Grüße\n", err: "" });
  const costs = workbook({ Costs: "<row><c><v>5</v></c></row>" });
  expect(run(["extract", fileOf("a.xlsx", costs)]).out).toBe("# Costs\n\n5\n");
  expect(run(["extract", fileOf("a.html", "<h1>A&auml;</h1>b")]).out).toBe("# Aä\n\nb\n");
  const long = `${"words ".repeat(500_000)}end`;
  expect(run(["extract", fileOf("a.txt", long)]).out).toBe(`${long}\n`);
});

test("what can't be read is one line and a code", () => {
  expect(run(["extract", "/nowhere"])).toEqual({
    code: 1,
    out: "",
    err: "parlor: there is no file /nowhere\n",
  });
  const broken = fileOf("broken.pdf", pdfOf([]).subarray(0, 20));
  expect(run(["extract", broken])).toEqual({
    code: 1,
    out: "",
    err: `parlor: ${broken}: This file can't be read: it is damaged, or locked with a password.\n`,
  });
  const long = fileOf("long.txt", "a".repeat(5_000));
  expect(run(["extract", long, "--extract-max-chars", "1024"])).toMatchObject({
    code: 1,
    err: expect.stringMatching(/^parlor: .*long\.txt: This file is too large: .*characters of text\.\n$/),
  });
  expect(run(["extract"])).toMatchObject({ code: 2, err: "parlor: usage: parlor extract FILE [options]\n" });
});
