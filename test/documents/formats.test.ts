// What the text of each kind of document is. If this fails, a model answers from half a document, or from the
// wrong order of it.

import { describe, expect, test } from "bun:test";
import { extract } from "../../src/documents/extract/extract.ts";
import { sniff } from "../../src/documents/sniff.ts";
import type { FileType } from "../../src/domain/file-type.ts";
import { recording } from "../llama/recording.ts";
import { book, openDocument, pdf, presentation, word, workbook, zip } from "./fixtures.ts";

const bytesOf = (text: string) => new TextEncoder().encode(text);

async function read(bytes: Uint8Array, name = "a file") {
  const type = sniff(bytes, name);
  const reading = extract(bytes, type, { unpackedMaxBytes: 1 << 20, picturesMax: 0 });
  const pages: string[] = [];
  for (;;) {
    const next = await reading.next();
    if (next.done) return { type, title: next.value, pages };
    pages.push(next.value as string);
  }
}

describe("what a file is", () => {
  const cases: [string | Uint8Array, string, FileType][] = [
    ["%PDF-1.7\n…", "notes.txt", "pdf"],
    ["\n\n%PDF-1.4", "x", "pdf"],
    [Uint8Array.of(0xff, 0xd8, 0xff, 0xe0, 0), "holiday.pdf", "picture"],
    [Buffer.from("\x89PNG\r\n\x1a\n\0", "latin1"), "x", "picture"],
    [Buffer.from("RIFF\x10\0\0\0WEBPVP8 ", "latin1"), "x", "picture"],
    [Buffer.from("\0\0\0\x18ftypheic", "latin1"), "x", "picture"],
    [recording("wav"), "x", "audio"],
    [recording("mp3"), "x.txt", "audio"],
    [recording("flac"), "x", "audio"],
    [Buffer.from("ID3\x03\0\0", "latin1"), "x", "audio"],
    ["ID3 is a format of names", "x.txt", "text"],
    [word(""), "letter.pdf", "docx"],
    [presentation(""), "x", "pptx"],
    [workbook({ a: "" }), "x", "xlsx"],
    [openDocument("text", ""), "x", "odt"],
    [book(""), "x", "epub"],
    [word("").subarray(0, 200), "letter.docx", "docx"],
    [word("").subarray(0, 200), "letter.txt", "unknown"],
    [zip({ "a.txt": "text" }), "letter.docx", "unknown"],
    ["<!DOCTYPE html><p>a", "x.txt", "html"],
    ["\ufeff <HTML>", "x", "html"],
    ["<p>a", "x.htm", "html"],
    ["a;b\n", "x.CSV", "csv"],
    ["# a", "README.md", "markdown"],
    ["int a;", "x.c", "code"],
    ["all:", "Makefile", "code"],
    ["#!/bin/sh\n", "x", "code"],
    ["<svg/>", "x.svg", "code"],
    ["words", "x.pdf", "text"],
    ["", "empty", "text"],
    [Buffer.from("gr\xfc\xdfe", "latin1"), "x", "text"],
    [Buffer.from("\ufeffä", "utf16le"), "x", "text"],
    [Uint8Array.of(1, 2, 0, 3), "x.txt", "unknown"],
    ["{\\rtf1 x}", "x.rtf", "unknown"],
  ];
  for (const [bytes, name, type] of cases)
    test(`${JSON.stringify(Buffer.from(bytes).toString("latin1").slice(0, 12))} ${name} is ${type}`, () =>
      expect(sniff(typeof bytes === "string" ? bytesOf(bytes) : bytes, name)).toBe(type));
});

describe("text", () => {
  test("UTF-8, Windows-1252 and UTF-16", async () => {
    expect((await read(bytesOf("Größe €"))).pages).toEqual(["Größe €"]);
    expect((await read(Buffer.from("Gr\xf6\xdfe \x80", "latin1"))).pages).toEqual(["Größe €"]);
    expect((await read(Buffer.from("\ufeffGröße €", "utf16le"))).pages).toEqual(["Größe €"]);
    expect((await read(Buffer.from("Größe").subarray(0, -2))).pages).toEqual(["Grö"]);
  });

  test("Markdown states a title", async () =>
    expect(await read(bytesOf("a\n\n# Rent  \n\nb"), "x.md")).toMatchObject({ title: "Rent" }));
});

describe("HTML", () => {
  const page = async (html: string) => (await read(bytesOf(`<!doctype html>${html}`))).pages[0];

  test("headings, paragraphs, lists, tables and preformatted text", async () => {
    const html = `<html><head><title>Rent &amp;
      deposit</title><style>p{}</style></head><body><h1>Rent <em>2026</em></h1>text<p>One
      two<br>three</p><ul><li>a<li><p>b</p></ul><script>if (a<b) "<p>no</p>"</script>
      <table><tr><th>Month<th>Sum<tr><td><p>May</p><td>5&nbsp;&euro;<td></table><pre>  x\n   y</pre>end`;
    expect(await read(bytesOf(`<!doctype html>${html}`))).toEqual({
      type: "html",
      title: "Rent & deposit",
      pages: [
        "# Rent 2026\n\ntext\n\nOne two\nthree\n\n- a\n- b\n\nMonth | Sum\nMay | 5 €\n\n  x\n   y\n\nend",
      ],
    });
  });

  test("character references, also where they are unknown or wrong", async () => {
    expect(
      await page("<p>&lt;b&gt; &auml;&hellip; &#228; &#xE4; &#150; &nosuch; &#0;&#xD800; AT&T &amp;lt;"),
    ).toBe("<b> ä… ä ä – &nosuch; \ufffd\ufffd AT&T &lt;");
  });

  test("the encoding that the page states", async () => {
    const cyrillic = Buffer.concat([
      Buffer.from('<html><meta charset="windows-1251"><p>'),
      Uint8Array.of(0xc4, 0xe0),
    ]);
    expect((await read(cyrillic)).pages).toEqual(["Да"]);
  });

  test("tags that nobody closes, or that cross", async () => {
    expect(await page("<div><p>a<div>b</span></p>c<li>d<noscript>no</noscript><b>e")).toBe(
      "a\n\nb\n\nc\n\n- de",
    );
    expect(await page("<svg><style>x</svg>a")).toBe("a");
  });
});

describe("Word", () => {
  const p = (text: string, properties = "") =>
    `<w:p><w:pPr>${properties}</w:pPr><w:r><w:t>${text}</w:t></w:r></w:p>`;
  const pageOf = async (body: string, more = {}) => (await read(word(body, more))).pages[0];

  test("headings by style in any language, lists, tabs and breaks", async () => {
    const styles = `<w:styles><w:style w:styleId="berschrift2"><w:name w:val="heading 2"/></w:style>
      <w:style w:styleId="Bullets"><w:name w:val="List Bullet"/><w:pPr><w:numPr/></w:pPr></w:style>
      <w:style w:styleId="Own"><w:name w:val="Mine"/><w:pPr><w:outlineLvl w:val="0"/></w:pPr></w:style></w:styles>`;
    const body =
      p("Rent", '<w:pStyle w:val="Own"/><w:tabs><w:tab w:val="left"/></w:tabs>') +
      p("Deposit", '<w:pStyle w:val="berschrift2"/>') +
      p("first", "<w:numPr/>") +
      p("second", '<w:pStyle w:val="Bullets"/>') +
      '<w:p><w:r><w:t xml:space="preserve">a </w:t><w:tab/><w:t>b</w:t><w:br/><w:t>c&lt;</w:t></w:r></w:p><w:p/>';
    const core = { "word/styles.xml": styles, "docProps/core.xml": "<cp><dc:title>Lease</dc:title></cp>" };
    expect(await read(word(body, core))).toEqual({
      type: "docx",
      title: "Lease",
      pages: ["# Rent\n\n## Deposit\n\n- first\n- second\n\na b\nc<"],
    });
  });

  test("tables, tables in tables, text boxes once, footnotes", async () => {
    const cell = (content: string) => `<w:tc>${content}</w:tc>`;
    const inner = `<w:tbl><w:tr>${cell(p("x"))}${cell(p("y"))}</w:tr></w:tbl>`;
    const table = `<w:tbl><w:tr>${cell(p("a") + p("b"))}${cell("")}${cell(p("c"))}</w:tr><w:tr>${cell(p("d") + inner)}</w:tr></w:tbl>`;
    const box = `<w:p><mc:AlternateContent><mc:Choice><w:txbxContent>${p("boxed")}</w:txbxContent></mc:Choice>
      <mc:Fallback>${p("boxed")}</mc:Fallback></mc:AlternateContent><w:r><w:t>around</w:t></w:r></w:p>`;
    const footnotes = `<w:footnotes><w:footnote>${p("a note")}</w:footnote></w:footnotes>`;
    expect(await pageOf(table + box, { "word/footnotes.xml": footnotes })).toBe(
      "a b |  | c\nd x | y\n\nboxed\n\naround\n\na note",
    );
  });

  test("what was deleted and what fields are made of is no text", async () =>
    expect(
      await pageOf(
        `<w:p><w:del><w:r><w:delText>old</w:delText></w:r></w:del><w:r><w:instrText>PAGE</w:instrText><w:t>new</w:t></w:r></w:p>`,
      ),
    ).toBe("new"));
});

test("PowerPoint: slides in the order of the show, titles, tables, notes; no numbers of slides", async () => {
  const shape = (text: string, type = "body") =>
    `<p:sp><p:nvPr><p:ph type="${type}"/></p:nvPr><a:p><a:r><a:t>${text}</a:t></a:r></a:p></p:sp>`;
  const number = '<p:sp><a:p><a:fld type="slidenum"><a:t>2</a:t></a:fld></a:p></p:sp>';
  const table =
    "<a:tbl><a:tr><a:tc><a:p><a:t>a</a:t></a:p></a:tc><a:tc><a:p><a:t>b</a:t></a:p></a:tc></a:tr></a:tbl>";
  const { type, pages } = await read(
    presentation(shape("Plan", "ctrTitle") + shape("for May"), shape("Costs", "title") + table + number),
  );
  expect([type, pages]).toEqual(["pptx", ["# Plan\n\nfor May", "# Costs\n\na | b\n\nSay it slowly."]]);
});

test("Excel: sheets, shared and own texts, gaps, dates, truth values; no formulas", async () => {
  const rows = `<row r="1"><c r="A1" t="s"><v>0</v></c><c r="C1" t="s"><v>1</v></c></row><row r="2"/>
    <row r="3"><c r="A3" s="1"><v>45658</v></c><c r="B3" s="2"><v>45658.75</v></c><c r="C3"><f>A1*2</f><v>4.5</v></c>
    <c r="D3" t="b"><v>1</v></c><c r="E3" t="inlineStr"><is><t>in</t></is></c><c r="F3" s="3"><v>0.5</v></c></row>`;
  const more = {
    "xl/sharedStrings.xml":
      "<sst><si><t>Day</t><rPh><t>no</t></rPh></si><si><r><t>S</t></r><r><t>um</t></r></si></sst>",
    "xl/styles.xml": `<styleSheet><numFmts><numFmt numFmtId="164" formatCode="dd/mm/yyyy\\ hh:mm"/><numFmt numFmtId="165"
      formatCode="#,##0.00 &quot;days&quot;"/></numFmts><cellStyleXfs><xf numFmtId="14"/></cellStyleXfs><cellXfs>
      <xf numFmtId="0"/><xf numFmtId="14"/><xf numFmtId="164"/><xf numFmtId="165"/></cellXfs></styleSheet>`,
  };
  expect(await read(workbook({ Costs: rows, Empty: "" }, more))).toEqual({
    type: "xlsx",
    title: null,
    pages: ["# Costs\n\nDay |  | Sum\n2025-01-01 | 2025-01-01 18:00 | 4.5 | TRUE | in | 0.5", "# Empty"],
  });
});

describe("OpenDocument", () => {
  test("a text: headings, lists, spaces, notes, tables; nothing deleted", async () => {
    const body = `<office:text><text:tracked-changes><text:p>gone</text:p></text:tracked-changes>
      <text:h text:outline-level="2">Rent</text:h><text:p>a<text:s text:c="3"/>b<text:tab/>c<text:note><text:note-body>
      <text:p>a note</text:p></text:note-body></text:note></text:p><text:list><text:list-item><text:p>one</text:p>
      </text:list-item><text:list-item><text:p>two</text:p></text:list-item></text:list><table:table><table:table-row>
      <table:table-cell table:number-columns-repeated="2"><text:p>x</text:p></table:table-cell><table:table-cell>
      <text:p>y</text:p></table:table-cell></table:table-row></table:table></office:text>`;
    const { type, title, pages } = await read(openDocument("text", body));
    expect([type, title]).toEqual(["odt", "A & B"]);
    expect(pages).toEqual(["## Rent\n\na note\n\na b c\n\n- one\n- two\n\nx | x | y"]);
  });

  test("slides and sheets are pages", async () => {
    const slides = "<draw:page><text:p>one</text:p></draw:page><draw:page><text:p>two</text:p></draw:page>";
    expect(await read(openDocument("presentation", slides))).toMatchObject({
      type: "odp",
      pages: ["one", "two"],
    });
    const cells =
      '<table:table table:name="Costs"><table:table-row><table:table-cell><text:p>5</text:p></table:table-cell></table:table-row></table:table>';
    expect(await read(openDocument("spreadsheet", cells))).toMatchObject({
      type: "ods",
      pages: ["# Costs\n\n5"],
    });
  });
});

test("EPUB: chapters in the order of reading; an empty title ends at once", async () => {
  const chapter = (body: string) =>
    `<?xml version="1.0"?><html xmlns="http://www.w3.org/1999/xhtml"><head><title/><script src="x"/></head><body>${body}</body></html>`;
  expect(
    await read(book(chapter("<h1>One</h1><p>a&nbsp;b&amp;lt;</p>"), chapter("<p>two<br/>lines</p>"))),
  ).toEqual({
    type: "epub",
    title: "A book",
    pages: ["# One\n\na b&lt;", "two\nlines"],
  });
});

test("PDF: pages, paragraphs by the space between lines, words that a line's end cut, the title", async () => {
  const { type, title, pages } = await read(
    pdf(
      [
        [
          ["Die K\xfcndigungs-", 0],
          ["frist, Ein-", 14],
          ["und Auszug", 14],
          ["Zweiter Absatz", 30],
        ],
        [["page two", 0]],
        [],
      ],
      "Lease",
    ),
  );
  expect([type, title]).toEqual(["pdf", "Lease"]);
  expect(pages).toEqual(["Die Kündigungsfrist, Ein-\nund Auszug\n\nZweiter Absatz", "page two", ""]);
});
