// Small files of every kind that parlor reads, written by hand: archives with their parts, PDFs with their
// objects. And an Extractor with bounds that leave a busy machine time.

import { deflateRawSync, deflateSync } from "node:zlib";
import { type ExtractBounds, Extractor } from "../../src/documents/extractor.ts";

export const bounds: ExtractBounds = {
  extractMs: 240_000,
  extractMaxMemoryBytes: 512 << 20,
  unpackedMaxBytes: 32 << 20,
  extractMaxChars: 8 << 20,
  extractionsMax: 2,
};

/** What the Extractor makes of a file that comes in pieces. */
export const extracted = (bytes: Uint8Array, name: string, other: Partial<ExtractBounds> = {}) =>
  new Extractor({ ...bounds, ...other }).extract(inPieces(bytes), name);

export async function* inPieces(bytes: Uint8Array, size = 100_000): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

/** A file in an archive: its text, or its bytes already deflated, with the size that the archive states. */
type Part = string | { readonly deflated: Uint8Array; readonly states: number };

/** A ZIP archive; the first file is stored, the others are deflated. */
export function zip(files: Readonly<Record<string, Part>>): Uint8Array {
  const [chunks, list]: [Uint8Array[], Uint8Array[]] = [[], []];
  let offset = 0;
  for (const [name, part] of Object.entries(files)) {
    const isStored = chunks.length === 0 && typeof part === "string";
    const plainBytes = typeof part === "string" ? Buffer.byteLength(part) : part.states;
    const packed =
      typeof part !== "string" ? part.deflated : isStored ? Buffer.from(part) : deflateRawSync(part);
    const [head, entry] = [Buffer.alloc(30), Buffer.alloc(46)];
    head.writeUInt32LE(0x04034b50, 0);
    head.writeUInt16LE(isStored ? 0 : 8, 8);
    head.writeUInt16LE(Buffer.byteLength(name), 26);
    entry.writeUInt32LE(0x02014b50, 0);
    entry.writeUInt16LE(isStored ? 0 : 8, 10);
    entry.writeUInt32LE(packed.length, 20);
    entry.writeUInt32LE(plainBytes, 24);
    entry.writeUInt16LE(Buffer.byteLength(name), 28);
    entry.writeUInt32LE(offset, 42);
    chunks.push(head, Buffer.from(name), packed);
    list.push(entry, Buffer.from(name));
    offset += 30 + Buffer.byteLength(name) + packed.length;
  }
  const end = Buffer.alloc(22);
  end.writeUInt32LE(0x06054b50, 0);
  end.writeUInt16LE(Object.keys(files).length, 10);
  end.writeUInt32LE(offset, 16);
  return new Uint8Array(Buffer.concat([...chunks, ...list, end]));
}

const relations = (targets: Readonly<Record<string, string>>) =>
  `<Relationships>${Object.entries(targets)
    .map(([kind, target], i) => `<Relationship Id="r${i}" Type="http://x/${kind}" Target="${target}"/>`)
    .join("")}</Relationships>`;

/** A Word document of these elements. */
export const word = (body: string | Part, more: Readonly<Record<string, Part>> = {}) =>
  zip({
    "[Content_Types].xml": "<Types/>",
    "_rels/.rels": relations({ officeDocument: "word/document.xml" }),
    "word/document.xml":
      typeof body === "string"
        ? `<?xml version="1.0"?><w:document><w:body>${body}</w:body></w:document>`
        : body,
    "word/_rels/document.xml.rels": relations({ styles: "styles.xml", footnotes: "/word/footnotes.xml" }),
    ...more,
  });

/** A presentation of slides, each the XML of its shapes; listed from the last file to the first. */
export function presentation(...slides: readonly string[]): Uint8Array {
  const files = slides.map((shapes, i) => [`ppt/slides/slide${slides.length - i}.xml`, shapes] as const);
  return zip({
    "[Content_Types].xml": "<Types/>",
    "_rels/.rels": relations({ officeDocument: "ppt/presentation.xml" }),
    "ppt/presentation.xml": `<p:presentation><p:sldIdLst>${slides
      .map((_, i) => `<p:sldId id="${256 + i}" r:id="rId${i}"/>`)
      .join("")}</p:sldIdLst></p:presentation>`,
    "ppt/_rels/presentation.xml.rels": `<Relationships>${files
      .map(([name], i) => `<Relationship Id="rId${i}" Type="http://x/slide" Target="${name.slice(4)}"/>`)
      .join("")}</Relationships>`,
    ...Object.fromEntries(files.map(([name, shapes]) => [name, `<p:sld>${shapes}</p:sld>`])),
    "ppt/slides/_rels/slide1.xml.rels": relations({ notesSlide: "../notesSlides/n1.xml" }),
    "ppt/notesSlides/n1.xml":
      "<p:notes><p:sp><a:p><a:r><a:t>Say it slowly.</a:t></a:r></a:p></p:sp></p:notes>",
  });
}

/** A workbook of sheets by name, each the XML of its rows. */
export const workbook = (
  sheets: Readonly<Record<string, string>>,
  more: Readonly<Record<string, Part>> = {},
) =>
  zip({
    "[Content_Types].xml": "<Types/>",
    "_rels/.rels": relations({ officeDocument: "xl/workbook.xml" }),
    "xl/workbook.xml": `<workbook><sheets>${Object.keys(sheets)
      .map((name, i) => `<sheet name="${name}" sheetId="${i + 1}" r:id="r${i}"/>`)
      .join("")}</sheets></workbook>`,
    "xl/_rels/workbook.xml.rels": `<Relationships>${Object.keys(sheets)
      .map((_, i) => `<Relationship Id="r${i}" Type="http://x/worksheet" Target="worksheets/s${i}.xml"/>`)
      .join("")}<Relationship Id="s" Type="http://x/sharedStrings" Target="sharedStrings.xml"/>
      <Relationship Id="y" Type="http://x/styles" Target="styles.xml"/></Relationships>`,
    ...Object.fromEntries(
      Object.values(sheets).map((rows, i) => [
        `xl/worksheets/s${i}.xml`,
        `<worksheet><sheetData>${rows}</sheetData></worksheet>`,
      ]),
    ),
    ...more,
  });

export const openDocument = (kind: string, body: string, more: Readonly<Record<string, Part>> = {}) =>
  zip({
    mimetype: `application/vnd.oasis.opendocument.${kind}`,
    "content.xml": `<office:document-content><office:body>${body}</office:body></office:document-content>`,
    "meta.xml": "<office:document-meta><dc:title>A &amp; B</dc:title></office:document-meta>",
    ...more,
  });

export const book = (...chapters: readonly string[]) =>
  zip({
    mimetype: "application/epub+zip",
    "META-INF/container.xml":
      '<container><rootfiles><rootfile full-path="OEBPS/it.opf"/></rootfiles></container>',
    "OEBPS/it.opf": `<package><metadata><dc:title>A book</dc:title></metadata><manifest>${chapters
      .map((_, i) => `<item id="c${i}" href="text/chapter%20${i}.xhtml#top"/>`)
      .join(
        "",
      )}</manifest><spine>${chapters.map((_, i) => `<itemref idref="c${i}"/>`).join("")}</spine></package>`,
    ...Object.fromEntries(chapters.map((chapter, i) => [`OEBPS/text/chapter ${i}.xhtml`, chapter])),
  });

/** A PDF of numbered objects, of which the last is the catalogue. A stream is given as its bytes. */
export function pdfOf(objects: readonly (string | Uint8Array)[], trailer = ""): Uint8Array {
  const chunks: Uint8Array[] = [Buffer.from("%PDF-1.7\n")];
  const offsets: number[] = [];
  let length = 9;
  const write = (bytes: Uint8Array) => {
    chunks.push(bytes);
    length += bytes.length;
  };
  objects.forEach((object, i) => {
    offsets.push(length);
    write(Buffer.from(`${i + 1} 0 obj\n`));
    if (typeof object === "string") write(Buffer.from(object, "latin1"));
    else {
      write(Buffer.from(`<</Length ${object.length}/Filter/FlateDecode>>stream\n`));
      write(object);
      write(Buffer.from("\nendstream"));
    }
    write(Buffer.from("\nendobj\n"));
  });
  const start = length;
  const entries = offsets.map((offset) => `${String(offset).padStart(10, "0")} 00000 n \n`).join("");
  write(Buffer.from(`xref\n0 ${objects.length + 1}\n0000000000 65535 f \n${entries}`));
  write(
    Buffer.from(
      `trailer\n<</Size ${objects.length + 1}/Root ${objects.length} 0 R${trailer}>>\nstartxref\n${start}\n%%EOF\n`,
    ),
  );
  return new Uint8Array(Buffer.concat(chunks));
}

/** Lines of text in pairs of words and the space above them, in points. */
type Line = readonly [text: string, above: number];

/** A PDF whose pages show these lines; `title` is stated in its metadata. */
export function pdf(pages: readonly (readonly Line[])[], title = "", trailer = ""): Uint8Array {
  const shown = (lines: readonly Line[]) =>
    `BT /F 12 Tf 72 720 Td ${lines.map(([text, above]) => `0 -${above} Td (${text}) Tj`).join(" ")} ET`;
  const first = 4; // after the font, the metadata and the page tree
  return pdfOf(
    [
      "<</Type/Font/Subtype/Type1/BaseFont/Helvetica/Encoding/WinAnsiEncoding>>",
      `<</Title (${title})>>`,
      `<</Type/Pages/Count ${pages.length}/Kids[${pages.map((_, i) => `${first + 2 * i} 0 R`).join(" ")}]>>`,
      ...pages.flatMap((lines, i) => [
        `<</Type/Page/Parent 3 0 R/MediaBox[0 0 612 792]/Resources<</Font<</F 1 0 R>>>>/Contents ${first + 2 * i + 1} 0 R>>`,
        deflateSync(Buffer.from(shown(lines), "latin1")),
      ]),
      "<</Type/Catalog/Pages 3 0 R>>",
    ],
    `/Info 2 0 R${trailer}`,
  );
}
