// Pictures that people attach become what a model and a browser can take, and lose what the camera wrote.

import { describe, expect, test } from "bun:test";
import { deflateSync } from "node:zlib";
import { isPicture, upright } from "../../src/documents/picture.ts";
import { Failure } from "../../src/domain/failure.ts";

/** A PNG of one colour with an alpha channel: chunks of length, name, data, checksum. */
function png(width: number, height: number): Uint8Array<ArrayBuffer> {
  const chunk = (name: string, data: Uint8Array) => {
    const body = Buffer.concat([Buffer.from(name), data]);
    const [length, sum] = [Buffer.alloc(4), Buffer.alloc(4)];
    length.writeUInt32BE(data.length);
    sum.writeUInt32BE(Bun.hash.crc32(body));
    return Buffer.concat([length, body, sum]);
  };
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width, 0);
  header.writeUInt32BE(height, 4);
  header.set([8, 6, 0, 0, 0], 8);
  const row = Buffer.alloc(1 + 4 * width, 200).fill(0, 0, 1);
  const rows = deflateSync(Buffer.concat(Array.from({ length: height }, () => row)));
  const mark = Buffer.from("\x89PNG\r\n\x1a\n", "latin1");
  return new Uint8Array(
    Buffer.concat([mark, chunk("IHDR", header), chunk("IDAT", rows), chunk("IEND", Buffer.alloc(0))]),
  );
}

/** A JPEG that lies on its side, as its Exif data says, together with a place. */
async function photo(width: number, height: number): Promise<Uint8Array> {
  const jpeg = await new Bun.Image(png(width, height)).jpeg().bytes();
  const tiff = Buffer.from("4d4d002a00000008000101120003000000010006000000000000", "hex");
  const data = Buffer.concat([Buffer.from("Exif\0\0"), tiff, Buffer.from("48.137154 N 11.576124 E")]);
  const head = Buffer.from([0xff, 0xe1, 0, data.length + 2]);
  return Buffer.concat([jpeg.subarray(0, 2), head, data, jpeg.subarray(2)]);
}

const sizeOf = async (bytes: Uint8Array) => {
  const { width, height, format } = await new Bun.Image(bytes).metadata();
  return [width, height, format];
};
const codeOf = (work: Promise<unknown>): Promise<string> =>
  work.then(
    () => "none",
    (error: unknown) => (error instanceof Failure ? error.code : String(error)),
  );

test("a photograph is turned upright, and neither place nor camera is left in it", async () => {
  const bytes = await photo(40, 20);
  expect(isPicture(bytes)).toBe(true);
  const made = await upright(bytes, "a.jpg");
  expect(made.mediaType).toBe("image/jpeg");
  expect(await sizeOf(made.bytes)).toEqual([20, 40, "jpeg"]);
  for (const word of ["Exif", "48.13"]) expect(Buffer.from(made.bytes).includes(word)).toBe(false);
});

test("a large one gets a bounded side, a small one keeps its size", async () => {
  const made = await upright(await photo(3_000, 1_500), "a.jpg");
  expect(await sizeOf(made.bytes)).toEqual([784, 1_568, "jpeg"]);
  expect(await sizeOf((await upright(png(30, 10), "a.png")).bytes)).toEqual([30, 10, "png"]);
  expect(await sizeOf((await upright(png(10, 2_000), "a.png")).bytes)).toEqual([8, 1_568, "png"]);
});

describe("WebP", () => {
  for (const [how, options, mediaType] of [
    ["a photograph becomes a JPEG", { quality: 80 }, "image/jpeg"],
    ["one without loss a PNG", { lossless: true }, "image/png"],
  ] as const)
    test(how, async () => {
      const source = how.startsWith("a photograph") ? await photo(40, 20) : png(40, 20);
      const webp = await new Bun.Image(source).webp(options).bytes();
      expect(isPicture(webp)).toBe(true);
      expect((await upright(webp, "a.webp")).mediaType).toBe(mediaType);
    });
});

test("what can't be shown is refused: cut off, too many pixels, a format that is not decoded", async () => {
  expect(await codeOf(upright((await photo(400, 200)).subarray(0, 300), "a.jpg"))).toBe("file_unreadable");
  const huge = png(1, 1);
  new DataView(huge.buffer).setUint32(16, 60_000);
  new DataView(huge.buffer).setUint32(20, 60_000);
  expect(await codeOf(upright(huge, "a.png"))).toBe("picture_too_large");
  const heic = Buffer.from("\0\0\0\x18ftypheic\0\0\0\0mif1heic", "latin1");
  expect(isPicture(heic)).toBe(true);
  expect(["picture_unsupported", "file_unreadable"]).toContain(await codeOf(upright(heic, "a.heic")));
  expect(isPicture(Buffer.from("<svg xmlns='http://www.w3.org/2000/svg'/>"))).toBe(false);
});
