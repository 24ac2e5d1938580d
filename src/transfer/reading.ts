// Reads files of conversations through the worker: piece by piece, and not faster than the pieces are stored.

import { Failure } from "../domain/failure.ts";
import type { ImportPart } from "../domain/record.ts";
import type { ReadBounds } from "./read.ts";

export interface Reading {
  /** Is transferred to the worker, and can't be used here afterwards. */
  readonly body: Uint8Array<ArrayBuffer>;
  /** Of a form that holds files; null when the body is the file itself. */
  readonly contentType: string | null;
  readonly name: string;
  readonly bounds: ReadBounds;
}

/** The worker's code: beside this file, or in the executable under its path from src. */
const worker =
  import.meta.url.includes("/$bunfs/") || import.meta.url.includes("/~BUN/")
    ? "./transfer/worker.ts"
    : new URL("./worker.ts", import.meta.url).href;

/** @throws Failure `bad_request` where there is no file, `import_slow` after `importMs` */
export async function* read(reading: Reading, importMs: number): AsyncGenerator<ImportPart> {
  const thread = new Worker(worker);
  const late = Promise.withResolvers<never>();
  late.promise.catch(() => {}); // it may be rejected while nobody awaits it
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
