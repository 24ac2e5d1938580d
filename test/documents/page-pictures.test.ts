// Pictures of the pages of a scan: taken out of the PDF whatever they are packed with, upright and of a bounded size.
// Pages that are drawn, and files that say nonsense, have none and are read all the same.

import { describe, expect, test } from "bun:test";
import { deflateSync } from "node:zlib";
import { Extractor } from "../../src/documents/extractor.ts";
import { bounds, inPieces, pdfOf } from "./fixtures.ts";
import { type Image, jpegOf, scanOf } from "./scans.ts";

const read = (bytes: Uint8Array, picturesMax = 10) =>
  new Extractor(bounds).extract(inPieces(bytes), "scan.pdf", undefined, picturesMax);
const sizesOf = async (bytes: Uint8Array) => {
  const { pictures } = await read(bytes);
  const sizes = [...pictures].map(async ([page, jpeg]) => {
    const { width, height, format } = await new Bun.Image(jpeg).metadata();
    return [page, width, height, format];
  });
  return Promise.all(sizes);
};

const gray = (width: number, height: number): Image => ({
  ...{ width, height, entries: "/ColorSpace/DeviceGray/BitsPerComponent 8/Filter/FlateDecode" },
  data: deflateSync(Buffer.alloc(width * height, 128)),
});
const bits = (width: number, height: number): Image => ({
  ...{ width, height, entries: "/ColorSpace/DeviceGray/BitsPerComponent 1/Filter/FlateDecode" },
  data: deflateSync(Buffer.alloc(Math.ceil(width / 8) * height, 0b11110000)),
});

describe("a page that is a picture", () => {
  test("as JPEG, as gray and as black and white", async () => {
    const jpeg = await jpegOf(620, 877);
    expect(await sizesOf(scanOf([[jpeg], [gray(620, 877)], [bits(621, 877)]]))).toEqual([
      [1, 620, 877, "jpeg"],
      [2, 620, 877, "jpeg"],
      [3, 621, 877, "jpeg"],
    ]);
  });

  test("as a stencil, alone and over a coarser ground", async () => {
    const stencil = { ...bits(1240, 1754), entries: "/ImageMask true/BitsPerComponent 1/Filter/FlateDecode" };
    expect(await sizesOf(scanOf([[stencil], [await jpegOf(620, 877), stencil]]))).toEqual([
      [1, 1109, 1568, "jpeg"],
      [2, 1109, 1568, "jpeg"],
    ]);
  });

  test("is made smaller, and turned as the page is", async () => {
    expect(await sizesOf(scanOf([[bits(4_960, 7_016)]], "/Rotate 90"))).toEqual([[1, 1568, 1109, "jpeg"]]);
  });

  test("keeps its colours", async () => {
    const { pictures } = await read(scanOf([[await jpegOf(620, 877)]]));
    const png = await new Bun.Image(pictures.get(1) as Uint8Array)
      .resize(1, 1, { fit: "fill" })
      .png()
      .dataurl();
    expect(png).toBe(
      await new Bun.Image((await jpegOf(620, 877)).data).resize(1, 1, { fit: "fill" }).png().dataurl(),
    );
  });

  test("of more pages than are asked for, the first", async () => {
    const page = [gray(620, 877)];
    const { pages, pictures, picturePages } = await read(scanOf([page, page, page]), 2);
    expect(pages).toHaveLength(3);
    expect(picturePages).toEqual([1, 2, 3]);
    expect([...pictures.keys()]).toEqual([1, 2]);
    expect((await read(scanOf([page]), 0)).pictures.size).toBe(0);
  });
});

describe("no picture, and read all the same", () => {
  const broken: Image = {
    ...{ width: 620, height: 877, entries: "/ColorSpace/DeviceRGB/BitsPerComponent 8/Filter/DCTDecode" },
    data: Buffer.from("\xff\xd8\xffnonsense", "latin1"),
  };
  const huge: Image = { ...bits(8, 8), width: 100_000, height: 100_000 };
  for (const [what, images] of [
    ["a logo", [gray(300, 300)]],
    ["several strips", [gray(620, 400), gray(620, 400)]],
    ["one that can't be decoded", [broken]],
    ["one that claims a size without bounds", [huge]],
  ] as const)
    test(what, async () => {
      const { pages, pictures } = await read(scanOf([images]));
      expect(pages).toHaveLength(1);
      expect(pictures.size).toBe(0);
    });

  test("a page without anything", async () => {
    const empty = ["<</Type/Pages/Count 1/Kids[2 0 R]>>", "<</Type/Page/Parent 1 0 R/MediaBox[0 0 9 9]>>"];
    const { pictures } = await read(pdfOf([...empty, "<</Type/Catalog/Pages 1 0 R>>"]));
    expect(pictures.size).toBe(0);
  });
});
