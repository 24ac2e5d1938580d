// Pictures for tests: one point of colour, made larger, in the format that is asked for. No picture files.

const point =
  "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==";

/** A picture of 80 × 60 as `data:` URL. */
export function picture(format: "jpeg" | "png" | "webp"): Promise<string> {
  const image = new Bun.Image(Buffer.from(point, "base64")).resize(80, 60, { fit: "fill" });
  return image[format]().dataurl();
}
