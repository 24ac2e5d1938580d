// Files of conversations as they are read by transfer/worker: piece by piece, and no faster than they are
// taken.

import { Failure } from "../domain/failure.ts";
import type { ImportPart } from "../domain/record.ts";
import type { ReadBounds } from "./read.ts";

export interface Reading {
  /** It belongs to the worker from then on. */
  readonly body: Uint8Array<ArrayBuffer>;
  /** Of a form with files; null: the body is the file. */
  readonly contentType: string | null;
  readonly name: string;
  readonly bounds: ReadBounds;
}

/** Where the worker's code is: beside this file, or in the executable under its path from src. */
const worker =
  import.meta.url.includes("/$bunfs/") || import.meta.url.includes("/~BUN/")
    ? "./transfer/worker.ts"
    : new URL("./worker.ts", import.meta.url).href;

/** @throws Failure `bad_request` where there is no file, `import_slow` after `importMs` */
export async function* read(reading: Reading, importMs: number): AsyncGenerator<ImportPart> {
  const thread = new Worker(worker);
  const late = Promise.withResolvers<never>();
  late.promise.catch(() => {}); // it may come when nobody waits
  const timer = setTimeout(
    () => late.reject(new Failure("import_slow", { seconds: Math.round(importMs / 1000) })),
    importMs,
  );
  try {
    thread.postMessage(reading, [reading.body.buffer]);
    for (;;) {
      const part = await Promise.race([answer(thread), late.promise]);
      if (part.kind === "no file") throw new Failure("bad_request", { detail: "file" });
      yield part;
      if (part.kind === "unread") return;
      thread.postMessage("next");
    }
  } finally {
    clearTimeout(timer);
    thread.terminate();
  }
}

function answer(thread: Worker): Promise<ImportPart | { readonly kind: "no file" }> {
  return new Promise((resolve, reject) => {
    thread.onmessage = ({ data }) => resolve(data);
    thread.onerror = ({ message }) => reject(new Error(message));
  });
}
