// PDFs as scanners make them: each page is a picture, or several.

import { deflateSync } from "node:zlib";
import { pdfOf } from "./fixtures.ts";

/** A picture as it lies in a PDF; `entries` say how it is packed. */
export interface Image {
  readonly width: number;
  readonly height: number;
  readonly entries: string;
  readonly data: Uint8Array;
}

const point =
  "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==";

/** A JPEG of one colour. */
export async function jpegOf(width: number, height: number): Promise<Image> {
  const image = new Bun.Image(Buffer.from(point, "base64")).resize(width, height, { fit: "fill" });
  const entries = "/ColorSpace/DeviceRGB/BitsPerComponent 8/Filter/DCTDecode";
  return { width, height, entries, data: await image.jpeg().bytes() };
}

/** A PDF with one page per list of pictures, which stand one above the other. `more`: entries of each page. */
export function scanOf(pages: readonly (readonly Image[])[], more = ""): Uint8Array {
  const objects: (string | Uint8Array)[] = ["<</Type/Pages/Count 0/Kids[]>>"];
  const kids: number[] = [];
  for (const images of pages) {
    const first = objects.length + 1;
    for (const { width, height, entries, data } of images)
      objects.push(
        `<</Type/XObject/Subtype/Image/Width ${width}/Height ${height}${entries}/Length ${data.length}>>stream\n` +
          `${Buffer.from(data).toString("latin1")}\nendstream`,
      );
    const drawn = images.map(
      (_, i) => `q 595 0 0 ${842 / images.length} 0 ${(842 / images.length) * i} cm /I${i} Do Q`,
    );
    objects.push(deflateSync(Buffer.from(drawn.join("\n"))));
    const names = images.map((_, i) => `/I${i} ${first + i} 0 R`).join("");
    const contents = `/Contents ${objects.length} 0 R/Resources<</XObject<<${names}>>>>`;
    kids.push(objects.push(`<</Type/Page/Parent 1 0 R/MediaBox[0 0 595 842]${contents}${more}>>`));
  }
  objects[0] = `<</Type/Pages/Count ${kids.length}/Kids[${kids.map((kid) => `${kid} 0 R`).join(" ")}]>>`;
  return pdfOf([...objects, "<</Type/Catalog/Pages 1 0 R>>"]);
}
