// Makes every picture one that a model and a browser can take: upright, of a bounded size, without what the
// camera wrote into it (place, time, serial number). Decoding happens outside of the JavaScript thread.

import { Failure } from "../domain/failure.ts";

/** Longest side, in pixels: what vision models look at. */
const sideMaxPixels = 1_568;
/** Largest picture that is decoded; it takes 256 MB. */
const limitPixels = 64_000_000;
const jpegQuality = 85;
/** Codes of errors about formats that this machine does not decode. */
const unsupported = ["ERR_IMAGE_UNKNOWN_FORMAT", "ERR_IMAGE_FORMAT_UNSUPPORTED"];

interface Picture {
  readonly bytes: Uint8Array;
  readonly mediaType: "image/jpeg" | "image/png";
}

/** True for the first bytes of a picture in a format that can be read here, or that a person takes for one. */
export function isPicture(bytes: Uint8Array): boolean {
  const head = Buffer.from(bytes.subarray(0, 12)).toString("latin1");
  return (
    ["\xff\xd8\xff", "\x89PNG\r\n\x1a\n", "GIF87a", "GIF89a"].some((mark) => head.startsWith(mark)) ||
    (head.startsWith("RIFF") && head.endsWith("WEBP")) ||
    /^ftyp(heic|heix|heif|mif1|avif)/.test(head.slice(4))
  );
}

/**
 * The picture as a JPEG, or as a PNG where it may be transparent.
 * @throws Failure `picture_unsupported`, `picture_too_large`, `file_unreadable`
 */
export async function upright(bytes: Uint8Array, name: string): Promise<Picture> {
  try {
    const image = new Bun.Image(bytes, { maxPixels: limitPixels });
    const { width, height } = await image.metadata();
    const isLarge = Math.max(width, height) > sideMaxPixels;
    const fitting = isLarge ? image.resize(sideMaxPixels, sideMaxPixels, { fit: "inside" }) : image;
    if (mayBeTransparent(bytes)) return { bytes: await fitting.png().bytes(), mediaType: "image/png" };
    return { bytes: await fitting.jpeg({ quality: jpegQuality }).bytes(), mediaType: "image/jpeg" };
  } catch (error) {
    const code = String((error as { code?: unknown }).code);
    if (code === "ERR_IMAGE_TOO_MANY_PIXELS") throw new Failure("picture_too_large", { name, limitPixels });
    throw new Failure(unsupported.includes(code) ? "picture_unsupported" : "file_unreadable", { name });
  }
}

/** A picture of a page as a JPEG of a bounded size, turned to the right by some degrees. */
export async function asJpeg(bytes: Uint8Array, degrees: number): Promise<Uint8Array> {
  const image = new Bun.Image(bytes, { maxPixels: limitPixels });
  const turned = degrees === 0 ? image : image.rotate(degrees);
  const small = turned.resize(sideMaxPixels, sideMaxPixels, { fit: "inside", withoutEnlargement: true });
  return small.jpeg({ quality: jpegQuality }).bytes();
}

/** PNG and GIF, and WebP that says so or is lossless: what is no photograph stays sharp, too. */
function mayBeTransparent(bytes: Uint8Array): boolean {
  const head = Buffer.from(bytes.subarray(0, 21)).toString("latin1");
  if (!head.startsWith("RIFF")) return !head.startsWith("\xff\xd8");
  // https://developers.google.com/speed/webp/docs/riff_container: the fifth bit from the right is alpha
  return head.slice(12, 16) === "VP8L" || (head.slice(12, 16) === "VP8X" && ((bytes[20] ?? 0) & 16) !== 0);
}
