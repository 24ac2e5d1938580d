// The text of files, page by page. Each file is read in a process of its own, so that a file that was made to
// do harm can be ended: it has bounds on time, memory, unpacked size and text.

import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { Failure } from "../domain/failure.ts";
import type { FileType } from "../domain/file-type.ts";
import { childArgument, type ExtractLine, type ExtractRequest, hasText, isCompiled } from "./protocol.ts";

export interface ExtractedPage {
  /** From 1. Slides, sheets and chapters count as pages; other formats without pages have one. */
  readonly page: number;
  /** Headings start with `#`, list items with `- `; cells of a row are separated by ` | `. */
  readonly text: string;
}

export interface Extracted {
  readonly type: FileType;
  /** The title that the file states. */
  readonly title: string | null;
  readonly pages: readonly ExtractedPage[];
  /** Pages and slides with hardly any text: they are pictures, or empty. */
  readonly picturePages: readonly number[];
  /** JPEGs of some of them, by page, where they were asked for. */
  readonly pictures: ReadonlyMap<number, Uint8Array>;
}

export interface ExtractBounds {
  readonly extractMs: number;
  readonly extractMaxMemoryBytes: number;
  /** Of all parts of an archive together. */
  readonly unpackedMaxBytes: number;
  readonly extractMaxChars: number;
  /** Files that are read at once; further ones wait. */
  readonly extractionsMax: number;
}

/** Time between two looks at the process's memory, in ms. */
const watchMs = 50;
const pagedTypes: readonly FileType[] = ["pdf", "pptx", "odp"];

type Child = Bun.Subprocess<"pipe", "pipe", "ignore">;

export class Extractor {
  readonly #bounds: ExtractBounds;
  #running = 0;
  readonly #waiting: (() => void)[] = [];

  constructor(bounds: ExtractBounds) {
    this.#bounds = bounds;
  }

  /**
   * The text of a file, and at most `picturesMax` pictures of pages without text. `signal` ends it; the promise
   * is then rejected with the signal's reason.
   * @throws Failure `file_unsupported`, `file_unreadable`, `file_locked`, `file_too_large` (unpacked, pages or
   * text), `file_heavy` (memory), `file_slow`, each with the fact `name`
   */
  async extract(
    bytes: AsyncIterable<Uint8Array>,
    name: string,
    signal?: AbortSignal,
    picturesMax = 0,
  ): Promise<Extracted> {
    while (this.#running >= this.#bounds.extractionsMax)
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    this.#running++;
    try {
      signal?.throwIfAborted();
      return await this.#extract(bytes, { name, picturesMax }, signal);
    } catch (error) {
      throw error instanceof Failure ? new Failure(error.code, { ...error.facts, name }) : error;
    } finally {
      this.#running--;
      this.#waiting.shift()?.();
    }
  }

  async #extract(
    bytes: AsyncIterable<Uint8Array>,
    asked: Pick<ExtractRequest, "name" | "picturesMax">,
    signal?: AbortSignal,
  ): Promise<Extracted> {
    const { extractMs, extractMaxMemoryBytes, unpackedMaxBytes, extractMaxChars } = this.#bounds;
    const child = startChild();
    let cause: unknown = null;
    const end = (why: unknown) => {
      cause ??= why;
      child.kill("SIGKILL");
    };
    const late = () => end(new Failure("file_slow", { seconds: Math.round(extractMs / 1000) }));
    const deadline = setTimeout(late, extractMs);
    const watch = setInterval(() => {
      if (residentBytes(child.pid) <= extractMaxMemoryBytes) return;
      end(new Failure("file_heavy", { limitBytes: extractMaxMemoryBytes }));
    }, watchMs);
    const abort = () => end(signal?.reason);
    signal?.addEventListener("abort", abort);
    try {
      const request = { ...asked, unpackedMaxBytes, extractMaxChars };
      void feed(child, request, bytes).catch(end);
      const extracted = await collect(child, extractMaxChars).catch(end);
      if (cause !== null) throw cause;
      return extracted as Extracted;
    } finally {
      clearTimeout(deadline);
      clearInterval(watch);
      signal?.removeEventListener("abort", abort);
      child.kill("SIGKILL");
      await child.exited;
    }
  }
}

/** parlor's program once more; from the sources, Bun with parlor's first file. */
function startChild(): Child {
  const program = isCompiled ? [] : [fileURLToPath(new URL("../main.ts", import.meta.url))];
  const { SystemRoot } = process.env; // Windows starts no program without it
  return Bun.spawn([process.execPath, ...program, childArgument], {
    stdin: "pipe",
    stdout: "pipe",
    stderr: "ignore",
    // Bun ends the process when parlor is gone, even one that is busy and reads nothing
    env: { BUN_FEATURE_FLAG_NO_ORPHANS: "1", ...(SystemRoot !== undefined && { SystemRoot }) },
  });
}

/** Memory of a process; 0 where the system does not say (all but Linux) and when it has ended. */
function residentBytes(pid: number): number {
  try {
    return 1024 * Number(/^VmRSS:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1] ?? 0);
  } catch {
    return 0;
  }
}

/** @throws what reading `bytes` throws; a child that reads no more is no error here */
async function feed(
  { stdin }: Child,
  request: ExtractRequest,
  bytes: AsyncIterable<Uint8Array>,
): Promise<void> {
  let isOpen = true;
  const write = async (piece: string | Uint8Array) => {
    try {
      stdin.write(piece);
      await stdin.flush();
    } catch {
      isOpen = false;
    }
  };
  await write(`${JSON.stringify(request)}\n`);
  for await (const piece of bytes) {
    if (isOpen) await write(piece);
    if (!isOpen) return;
  }
  try {
    await stdin.end();
  } catch {
    // it has ended
  }
}

/** @throws Failure that the child reports; `file_unreadable` if it ends without one, or says too much */
async function collect({ stdout }: Child, extractMaxChars: number): Promise<Extracted> {
  const pages: ExtractedPage[] = [];
  const pictures = new Map<number, Uint8Array>();
  let type: FileType = "unknown";
  for await (const line of linesOf(stdout, 6 * extractMaxChars + (4 << 20))) {
    if ("type" in line) type = line.type;
    else if ("text" in line) pages.push({ page: pages.length + 1, text: line.text });
    else if ("picture" in line) pictures.set(pages.length, Uint8Array.fromBase64(line.picture));
    else if ("failure" in line) throw new Failure(line.failure.code, line.failure.facts);
    else return { type, title: line.title, pages, picturePages: picturePages(type, pages), pictures };
  }
  throw new Failure("file_unreadable");
}

/** The lines of a stream, of which no more than `maxBytes` are read. A character may take six in JSON. */
async function* linesOf(stream: ReadableStream<Uint8Array>, maxBytes: number): AsyncGenerator<ExtractLine> {
  const decoder = new TextDecoder();
  let [open, bytes] = [[] as string[], 0];
  for await (const chunk of stream) {
    bytes += chunk.length;
    if (bytes > maxBytes) return;
    const lines = decoder.decode(chunk, { stream: true }).split("\n");
    for (const line of lines.slice(0, -1)) {
      yield JSON.parse([...open, line].join(""));
      open = [];
    }
    open.push(lines.at(-1) ?? "");
  }
}

function picturePages(type: FileType, pages: readonly ExtractedPage[]): number[] {
  if (!pagedTypes.includes(type)) return [];
  return pages.filter(({ text }) => !hasText(text)).map(({ page }) => page);
}
