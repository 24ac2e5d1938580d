// Reads files of conversations in a thread of its own, so that answers go on meanwhile. Sends one piece each
// time it is asked for the next. transfer/reading is the other end.

import { partsOf } from "./parts.ts";
import type { GivenFile } from "./read.ts";
import type { Reading } from "./reading.ts";

declare const self: Worker;

/** The files of a form, or the body as one file. */
async function filesIn({ body, contentType, name }: Reading): Promise<GivenFile[]> {
  if (contentType === null) return [{ name, bytes: body }];
  const form = await new Response(body, { headers: { "content-type": contentType } }).formData();
  const given = form.getAll("file").filter((value) => value instanceof File);
  return Promise.all(given.map(async (file) => ({ name: file.name, bytes: await file.bytes() })));
}

let parts: ReturnType<typeof partsOf> | null = null;
self.onmessage = async ({ data }: MessageEvent<Reading | "next">) => {
  if (data !== "next") {
    const files = await filesIn(data).catch(() => []);
    if (files.length === 0) return postMessage({ kind: "no file" });
    parts = partsOf(files, data.bounds);
  }
  postMessage(parts?.next().value);
};
