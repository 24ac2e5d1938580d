// The picture that a page of a PDF consists of, as a scanner makes it: taken out of the file and made small
// enough for models. A page that is drawn, or put together from several pictures, has none.

import { deflateSync } from "node:zlib";
import type { PDFPageProxy } from "unpdf/pdfjs";
import { asJpeg } from "../picture.ts";

/** Larger pictures are not decoded: they take three bytes per pixel. A4 with 600 dots per inch has 35 million. */
export const pictureMaxPixels = 40_000_000;
/** A smaller picture is a logo, not a page. */
const pictureMinPixels = 200_000;
/** Share of all picture points of a page that its largest picture has, at least. */
const wholeShare = 0.6;
/** Longest side before the picture is made small, in pixels: bounds the memory for that. */
const sideMaxPixels = 3_200;
/** pdf.js does not say when it fails to decode a picture. In ms. */
const decodeMs = 5_000;

/** As pdf.js gives it. Kind 1: one bit per point, as in stencils, which have no kind; 2: RGB; 3: RGBA. */
interface Decoded {
  readonly width: number;
  readonly height: number;
  readonly kind?: 1 | 2 | 3;
  readonly data: Uint8Array | Uint8ClampedArray;
}

/** pdf.js's numbers for the operations that paint a picture, and a stencil: black where its bits are 0. */
interface PaintOperations {
  readonly paintImageXObject: number;
  readonly paintImageMaskXObject: number;
}

/** A JPEG, or null for a page that is not a picture. */
export async function pictureOf(page: PDFPageProxy, paints: PaintOperations): Promise<Uint8Array | null> {
  const painted = paintedOn(await page.getOperatorList(), paints);
  const all = painted.reduce((sum, { pixels }) => sum + pixels, 0);
  const largest = painted.toSorted((a, b) => b.pixels - a.pixels)[0];
  if (!largest || largest.pixels < Math.max(pictureMinPixels, all * wholeShare)) return null;
  const picture = await decoded(page, largest.key);
  if (!picture || picture.width * picture.height > pictureMaxPixels) return null;
  return asJpeg(png(shrunk(picture)), page.rotate);
}

/** What is painted on a page: keys of pictures and their number of points. */
function paintedOn(
  { fnArray, argsArray }: Awaited<ReturnType<PDFPageProxy["getOperatorList"]>>,
  { paintImageXObject, paintImageMaskXObject }: PaintOperations,
) {
  return fnArray.flatMap((operation, i) => {
    const [first, width, height] = argsArray[i] ?? [];
    if (operation === paintImageXObject) return [{ key: String(first), pixels: width * height }];
    if (operation !== paintImageMaskXObject) return [];
    return [{ key: String(first.data), pixels: first.width * first.height }];
  });
}

async function decoded(page: PDFPageProxy, key: string): Promise<Decoded | null> {
  const objects = key.startsWith("g_") ? page.commonObjs : page.objs;
  const late = Promise.withResolvers<null>();
  const timer = setTimeout(() => late.resolve(null), decodeMs);
  const found = new Promise<Decoded | null>((resolve) => objects.get(key, resolve));
  const picture = await Promise.race([found, late.promise]);
  clearTimeout(timer);
  return picture?.data ? picture : null;
}

interface Grid {
  readonly width: number;
  readonly height: number;
  /** RGB. */
  readonly data: Uint8Array;
}

/** The picture in RGB, each point the mean of a square of points, so that no side is too long. */
function shrunk({ width, height, kind = 1, data }: Decoded): Grid {
  const step = Math.ceil(Math.max(width, height) / sideMaxPixels);
  const [columns, rows] = [Math.floor(width / step), Math.floor(height / step)];
  const to = new Uint8Array(columns * rows * 3);
  const [perPoint, perRow] = kind === 1 ? [1, (width + 7) >> 3] : [kind + 1, width * (kind + 1)];
  for (let y = 0, at = 0; y < rows; y++)
    for (let x = 0; x < columns; x++)
      for (let channel = 0; channel < 3; channel++) {
        let sum = 0;
        for (let dy = 0; dy < step; dy++)
          for (let dx = 0; dx < step; dx++) {
            const [column, row] = [x * step + dx, (y * step + dy) * perRow];
            if (kind === 1) sum += ((data[row + (column >> 3)] ?? 0) >> (7 - (column & 7))) & 1 ? 255 : 0;
            else sum += data[row + column * perPoint + channel] ?? 0;
          }
        to[at++] = sum / (step * step);
      }
  return { width: columns, height: rows, data: to };
}

/** A PNG (https://www.w3.org/TR/png-3/), packed in a hurry: it is read again at once. */
function png({ width, height, data }: Grid): Uint8Array {
  const stride = width * 3;
  const lines = Buffer.alloc((stride + 1) * height);
  for (let y = 0; y < height; y++)
    lines.set(data.subarray(y * stride, (y + 1) * stride), y * (stride + 1) + 1);
  const head = Buffer.alloc(13);
  head.writeUInt32BE(width, 0);
  head.writeUInt32BE(height, 4);
  head.set([8, 2], 8); // eight bits per channel, RGB
  const chunks = [
    chunk("IHDR", head),
    chunk("IDAT", deflateSync(lines, { level: 1 })),
    chunk("IEND", head.subarray(13)),
  ];
  return Buffer.concat([Buffer.from("\x89PNG\r\n\x1a\n", "latin1"), ...chunks]);
}

function chunk(name: string, body: Uint8Array): Uint8Array {
  const bytes = Buffer.alloc(12 + body.length);
  bytes.writeUInt32BE(body.length, 0);
  bytes.write(name, 4, "latin1");
  bytes.set(body, 8);
  bytes.writeUInt32BE(Bun.hash.crc32(bytes.subarray(4, 8 + body.length)), 8 + body.length);
  return bytes;
}
