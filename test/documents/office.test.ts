// Documents as an office program writes them, which is not how a test would: LibreOffice 7.4 made them of the flat files
// beside them (soffice --headless --convert-to docx hausordnung.fodt). Whatever the format, the text reads alike.

import { expect, test } from "bun:test";
import { join } from "node:path";
import { extracted } from "./fixtures.ts";

async function read(name: string) {
  const { type, title, pages } = await extracted(
    await Bun.file(join(import.meta.dir, "fixtures", name)).bytes(),
    name,
  );
  return { type, title, pages: pages.map(({ text }) => text) };
}

const rules = [
  "# Hausordnung",
  "Diese Ordnung gilt für alle Häuser der Siedlung „Am Bächle“.",
  "## Ruhezeiten",
  "Nach 22 Uhr ist es leise.",
  "- Die Waschküche schließt um 21 Uhr.\n- Der Hof bleibt frei.",
  "## Gebühren",
  "Leistung | Euro\nSchlüssel | 12,50",
  "Ende.",
];
const footnote = "An Silvester gilt das nicht.";

test("a text for Word: headings, a list, a table, the footnote at the end", async () => {
  const { type, title, pages } = await read("hausordnung.docx");
  expect([type, title, pages]).toEqual(["docx", "Hausordnung", [[...rules, footnote].join("\n\n")]]);
});

test("an OpenDocument text: the same, the footnote before its paragraph and without its number", async () => {
  const { type, title, pages } = await read("hausordnung.odt");
  expect([type, title, pages]).toEqual([
    "odt",
    "Hausordnung",
    [rules.toSpliced(3, 0, footnote).join("\n\n")],
  ]);
});

test("a PDF: lines and paragraphs by the space between them, items with their marks", async () => {
  const { type, title, pages } = await read("hausordnung.pdf");
  expect([type, title, pages.length]).toEqual(["pdf", "Hausordnung", 1]);
  expect(pages[0]).toContain(
    "Hausordnung\nDiese Ordnung gilt für alle Häuser der Siedlung „Am Bächle“.\n\nRuhezeiten\n",
  );
  expect(pages[0]).toContain("\n- Die Waschküche schließt um 21 Uhr.\n- Der Hof bleibt frei.\n\nGebühren\n");
  expect(pages[0]).toEndWith(footnote);
});

test("a book: its paragraphs and its table", async () => {
  const { type, title, pages } = await read("hausordnung.epub");
  expect([type, title]).toEqual(["epub", "Hausordnung"]);
  const text = pages.join("\n\n");
  for (const words of ["Siedlung „Am Bächle“.", "Der Hof bleibt frei.", "Schlüssel | 12,50", footnote])
    expect(text).toContain(words);
});

for (const [name, type] of [
  ["kosten.xlsx", "xlsx"],
  ["kosten.ods", "ods"],
] as const)
  test(`a workbook: its sheets, numbers as they are shown, results of formulas (${type})`, async () => {
    const first = "Posten | Betrag | Stichtag\nMüll | 84.25 | 1. März\nWasser | 120\nSumme | 204.25";
    expect(await read(name)).toMatchObject({
      type,
      pages: [`# Nebenkosten\n\n${first}`, "# Zähler\n\nStand am Jahresende"],
    });
  });

for (const [name, type, items] of [
  ["vortrag.pptx", "pptx", "Zwölf Häuser\n\nEin Spielplatz"],
  ["vortrag.odp", "odp", "- Zwölf Häuser\n- Ein Spielplatz"],
] as const)
  test(`a presentation: its slides with their notes (${type})`, async () => {
    expect(await read(name)).toMatchObject({
      type,
      pages: [`Die Siedlung\n\n${items}\n\nLangsam sprechen.`, "Pläne\n\nIm Mai wird die Straße geöffnet."],
    });
  });
