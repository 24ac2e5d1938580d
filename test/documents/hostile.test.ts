// Files that were made to do harm, and files that are broken. If this fails, one attachment takes the machine's
// memory or time, or the whole of parlor with it.
// Promises: L8.

import { describe, expect, test } from "bun:test";
import { mkdtempSync, readFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createDeflate, createDeflateRaw } from "node:zlib";
import { Extractor } from "../../src/documents/extractor.ts";
import type { FailureCode } from "../../src/domain/failure.ts";
import { until } from "../llama/server.ts";
import { seeded } from "../seeded.ts";
import { bounds, extracted, openDocument, pdf, pdfOf, word, workbook } from "./fixtures.ts";

/** `chunk` many times over, deflated without being in memory at once. */
async function deflated(chunk: string, times: number, isRaw: boolean): Promise<Uint8Array> {
  const stream = isRaw ? createDeflateRaw() : createDeflate();
  const done = (async () => {
    const packed: Uint8Array[] = [];
    for await (const each of stream) packed.push(each);
    return new Uint8Array(Buffer.concat(packed));
  })();
  for (let time = 0; time < times; time++)
    if (!stream.write(chunk)) await new Promise((resolve) => stream.once("drain", resolve));
  stream.end();
  return done;
}
const megabyte = (text: string) => text.repeat(Math.ceil((1 << 20) / text.length));

async function refused(bytes: Uint8Array, name: string, other = {}): Promise<[FailureCode, object]> {
  const before = process.memoryUsage.rss();
  const failure = await extracted(bytes, name, other).then(
    (found) => expect.unreachable(`${name} was read: ${JSON.stringify(found).slice(0, 200)}`),
    (error) => error,
  );
  // what was unpacked or drawn was never in this process
  expect(process.memoryUsage.rss() - before).toBeLessThan(128 << 20);
  return [failure.code, failure.facts];
}

describe("archives", () => {
  test("a part that unpacks to 256 MB, whatever size the archive states", async () => {
    const bomb = await deflated(megabyte("<w:p><w:t>a</w:t></w:p>"), 256, true);
    expect(bomb.length).toBeLessThan(2 << 20);
    for (const states of [256 << 20, 10])
      expect(await refused(word({ deflated: bomb, states }), "bomb.docx")).toEqual([
        "file_too_large",
        { name: "bomb.docx", limitBytes: bounds.unpackedMaxBytes },
      ]);
  });

  test("many parts that are too large together", async () => {
    const part = { deflated: await deflated(megabyte(" "), 10, true), states: 10 << 20 };
    const sheets = Object.fromEntries(["a", "b", "c", "d"].map((name) => [name, ""]));
    const parts = Object.fromEntries([0, 1, 2, 3].map((i) => [`xl/worksheets/s${i}.xml`, part]));
    expect((await refused(workbook(sheets, parts), "many.xlsx"))[0]).toBe("file_too_large");
  });

  test("entities that expand, references in a circle, elements in elements, cells far away", async () => {
    const entities = `<!DOCTYPE x [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;&a;">]><w:document><w:p><w:t>&b;</w:t></w:p></w:document>`;
    const laughs = await extracted(word("", { "word/document.xml": entities }), "laughs.docx");
    expect(laughs.pages).toEqual([{ page: 1, text: "&b;" }]);
    const deep = `${"<w:tr><w:tc><w:p>".repeat(100_000)}<w:t>x</w:t>`;
    expect((await extracted(word(deep), "deep.docx")).type).toBe("docx");
    const far = '<row><c r="A1"><v>1</v></c><c r="XFD1"><v>2</v></c></row>'.repeat(1_000);
    expect((await extracted(workbook({ a: far }), "far.xlsx")).pages[0]?.text.length).toBeLessThan(1_000_000);
    const wide =
      '<table:table-row><table:table-cell table:number-columns-repeated="1000000000"/></table:table-row>';
    expect((await extracted(openDocument("text", wide.repeat(1_000)), "wide.odt")).pages[0]?.text).toBe("");
  });

  test("cut off, locked", async () => {
    expect((await refused(word("").subarray(0, 300), "cut.docx"))[0]).toBe("file_unreadable");
    const manifest = "<manifest:file-entry><manifest:encryption-data/></manifest:file-entry>";
    const locked = openDocument("text", "", { "META-INF/manifest.xml": manifest });
    expect((await refused(locked, "locked.odt"))[0]).toBe("file_locked");
    const compound = Buffer.concat([
      Buffer.from("d0cf11e0a1b11ae1", "hex"),
      Buffer.alloc(1024),
      Buffer.from("EncryptedPackage", "utf16le"),
    ]);
    expect((await refused(compound, "locked.docx"))[0]).toBe("file_locked");
  });
});

describe("PDF", () => {
  const page = (contents: string, parent = 1) =>
    `<</Type/Page/Parent ${parent} 0 R/MediaBox[0 0 9 9]/Resources<<>>/Contents ${contents}>>`;

  const drawnBy = (stream: Uint8Array) =>
    pdfOf(["<</Type/Pages/Count 1/Kids[2 0 R]>>", page("3 0 R"), stream, "<</Type/Catalog/Pages 1 0 R>>"]);

  test("a page that is drawn by 300 MB of commands", async () => {
    const stream = await deflated(megabyte("BT (a) Tj ET\n"), 300, false);
    expect(stream.length).toBeLessThan(2 << 20);
    expect(await refused(drawnBy(stream), "drawn.pdf")).toEqual([
      "file_heavy",
      { name: "drawn.pdf", limitBytes: bounds.extractMaxMemoryBytes },
    ]);
  });

  test.skipIf(process.platform !== "linux")(
    "such a page when parlor is killed while it is read",
    async () => {
      const folder = mkdtempSync(join(tmpdir(), "parlor-orphan-"));
      await Bun.write(
        join(folder, "drawn.pdf"),
        drawnBy(await deflated(megabyte("BT (a) Tj ET\n"), 300, false)),
      );
      const main = join(import.meta.dir, "../../src/main.ts");
      const bound = ["--extract-max-memory-bytes", String(64 * 2 ** 30)];
      const parlor = Bun.spawn([process.execPath, main, "extract", "drawn.pdf", ...bound], {
        cwd: folder,
        env: { PARLOR_DATA: folder },
        stdout: "ignore",
        stderr: "ignore",
      });
      const read = (file: string) => {
        try {
          return readFileSync(file, "utf8");
        } catch {
          return "";
        }
      };
      let child = "";
      await until(() => {
        child = read(`/proc/${parlor.pid}/task/${parlor.pid}/children`).trim();
        return Number(/VmRSS:\s+(\d+)/.exec(read(`/proc/${child}/status`))?.[1]) > 200_000;
      }, "the page is being drawn");
      parlor.kill("SIGKILL");
      // where nobody reaps it, an ended process stays listed as a zombie
      await until(() => /^$|^State:\s+[ZX]/m.test(read(`/proc/${child}/status`)), "its process has ended");
    },
  );

  test("a tree of pages that contains itself", async () => {
    const bytes = pdfOf(["<</Type/Pages/Count 2/Kids[1 0 R 1 0 R]>>", "<</Type/Catalog/Pages 1 0 R>>"]);
    expect((await refused(bytes, "circle.pdf"))[0]).toBe("file_unreadable");
  });

  test("a tree that claims a million pages", async () => {
    const bytes = pdfOf([
      "<</Type/Pages/Count 1000000/Kids[2 0 R]>>",
      page("[]"),
      "<</Type/Catalog/Pages 1 0 R>>",
    ]);
    const failure = await extracted(bytes, "claims.pdf").catch((error) => error);
    if (failure instanceof Error) expect(failure).toMatchObject({ code: "file_too_large" });
    else expect(failure.pages.length).toBe(1);
  });

  test("cut off, noise, locked", async () => {
    const whole = pdf([[["words", 0]]]);
    expect((await refused(whole.subarray(0, 400), "cut.pdf"))[0]).toBe("file_unreadable");
    const random = seeded(7);
    const noise = Uint8Array.from({ length: 3_000 }, () => random.below(256));
    expect((await refused(noise, "noise.pdf"))[0]).toBe("file_unsupported");
    const marked = Buffer.concat([Buffer.from("%PDF-1.7\n"), noise]);
    expect((await refused(marked, "noise.pdf"))[0]).toBe("file_unreadable");
    const key = "a".repeat(32);
    const encrypt = `/Encrypt<</Filter/Standard/V 1/R 2/O(${key})/U(${key})/P -4>>/ID[(x)(x)]`;
    expect((await refused(pdf([[["words", 0]]], "", encrypt), "locked.pdf"))[0]).toBe("file_locked");
  });
});

describe("bounds", () => {
  const paragraphs = new TextEncoder().encode("words\n".repeat(100_000));

  test("of text and of time", async () => {
    expect(await refused(paragraphs, "long.txt", { extractMaxChars: 1_000 })).toEqual([
      "file_too_large",
      { name: "long.txt", limitChars: 1_000 },
    ]);
    expect(await refused(paragraphs, "slow.txt", { extractMs: 1 })).toEqual([
      "file_slow",
      { name: "slow.txt", seconds: 0 },
    ]);
  });

  test("a file that is no longer wanted, or can't be read to its end", async () => {
    const controller = new AbortController();
    async function* endless() {
      for (;;) {
        yield paragraphs.subarray(0, 10);
        controller.abort(new Error("no longer wanted"));
      }
    }
    const extractor = new Extractor(bounds);
    await expect(extractor.extract(endless(), "x", controller.signal)).rejects.toThrow("no longer wanted");
    async function* cut() {
      yield paragraphs;
      throw new Error("the disk is gone");
    }
    await expect(extractor.extract(cut(), "x")).rejects.toThrow("the disk is gone");
  });

  test("files wait for each other, and none is lost", async () => {
    const extractor = new Extractor({ ...bounds, extractionsMax: 1 });
    async function* one(text: string) {
      yield new TextEncoder().encode(text);
    }
    const texts = ["a", "b", "c"];
    const found = await Promise.all(texts.map((text) => extractor.extract(one(text), "x.txt")));
    expect(found.map(({ pages }) => pages[0]?.text)).toEqual(texts);
  });
});

test("the text is free of what would disturb others; pages without text are named", async () => {
  const odd = Buffer.from("\ufeffa\r\nb\0c\u0007\ud800d", "utf16le");
  expect((await extracted(odd, "x.txt")).pages).toEqual([{ page: 1, text: "a\nbc\ufffdd" }]);
  const scan = await extracted(pdf([[["This page has words enough.", 0]], [], [["3", 0]]]), "scan.pdf");
  expect(scan.picturePages).toEqual([2, 3]);
});
