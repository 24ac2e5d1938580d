// Reads the bodies of requests, for every door and every form: each within a bound of its own, all together
// within one, decoded, and within a time. Who may send one is asked before. Beside app.

import { pipeline, Readable, type Transform } from "node:stream";
import {
  constants,
  createBrotliDecompress,
  createGunzip,
  createInflate,
  createInflateRaw,
  createZstdDecompress,
} from "node:zlib";
import type { BodyBound, HeldBody } from "../domain/body.ts";
import { Failure } from "../domain/failure.ts";
import type { PersonId } from "../domain/id.ts";

export interface BodiesBounds {
  /** Of all bodies that are in memory at once. */
  readonly bodiesMaxBytes: number;
  /** How long a body may take before its speed counts. */
  readonly bodyMs: number;
}

/**
 * A body that came slower than this on the whole, after `bodyMs`, is not waited for: a tenth of a slow mobile
 * uplink (1 Mbit/s).
 */
const slowestBytesPerSecond = 12_500;

/** A body up to this size finds room always, so that large ones of others do not keep small ones out. */
const smallBytes = 64 * 1024;

/** Each time a buffer of unknown length is full, the next is so many times as large. */
const growth = 4;

/** RFC 9659: a zstd frame for the web needs a window of at most 8 MiB. */
const zstdWindowLog = 23;

export class Bodies {
  readonly #bounds: BodiesBounds;
  readonly #heldBy = new Map<PersonId | null, number>();
  #heldBytes = 0;

  constructor(bounds: BodiesBounds) {
    this.#bounds = bounds;
  }

  /** Of all bodies that are in memory now. */
  get heldBytes(): number {
    return this.#heldBytes;
  }

  /** See `ReadBody`. */
  readonly read = async (request: Request, { maxBytes, owner }: BodyBound): Promise<HeldBody> => {
    if (request.body === null) return { bytes: new Uint8Array(0), release() {} };
    const coding = codingOf(request.headers.get("content-encoding"));
    const announcedBytes = Number(request.headers.get("content-length") ?? 0);
    if (announcedBytes > maxBytes) throw new Failure("too_large", { limitBytes: maxBytes });
    this.#needRoom(announcedBytes, owner, 0);
    const wholeBytes = coding === null && announcedBytes > 0 ? announcedBytes : null;
    let heldBytes = 0;
    const buffer = new GrowingBuffer(wholeBytes, maxBytes, (bytes) => {
      this.#hold(bytes, owner, heldBytes);
      heldBytes += bytes;
    });
    const release = () => {
      if (heldBytes > 0) this.#release(heldBytes, owner);
      heldBytes = 0;
    };
    try {
      const arriving = arrivingChunks(request, maxBytes, this.#bounds.bodyMs);
      for await (const chunk of coding === null ? arriving : decoded(arriving, coding)) {
        if (buffer.bytes + chunk.byteLength > maxBytes)
          throw new Failure("too_large", { limitBytes: maxBytes });
        buffer.add(chunk);
      }
      return { bytes: buffer.whole, release };
    } catch (error) {
      release();
      if (error instanceof Failure) throw error;
      if (request.signal.aborted) throw new Failure("stopped"); // the sender is gone
      throw coding === null ? error : new Failure("bad_request", { detail: `Content-Encoding: ${coding}` });
    }
  };

  /** @throws Failure `bodies_full` */
  #hold(bytes: number, owner: PersonId | null, heldBytes: number): void {
    this.#needRoom(bytes, owner, heldBytes);
    this.#heldBytes += bytes;
    this.#heldBy.set(owner, (this.#heldBy.get(owner) ?? 0) + bytes);
  }

  #release(bytes: number, owner: PersonId | null): void {
    this.#heldBytes -= bytes;
    const left = (this.#heldBy.get(owner) ?? 0) - bytes;
    if (left > 0) this.#heldBy.set(owner, left);
    else this.#heldBy.delete(owner);
  }

  /**
   * Refuses more bytes of a body that has `heldBytes` already, where all bodies would be too many, or one
   * sender's more than half of that. A body that is alone always fits: it has a bound of its own.
   * @throws Failure `bodies_full`
   */
  #needRoom(bytes: number, owner: PersonId | null, heldBytes: number): void {
    if (heldBytes + bytes <= smallBytes) return;
    const max = this.#bounds.bodiesMaxBytes;
    const theirs = this.#heldBy.get(owner) ?? 0;
    const isFull = this.#heldBytes + bytes > max && this.#heldBytes > heldBytes;
    const isTheirShareFull = theirs + bytes > max / 2 && theirs > heldBytes;
    if (isFull || isTheirShareFull) throw new Failure("bodies_full");
  }
}

/**
 * One copy of what arrives: a small buffer first, since most bodies are small and many that are large are
 * only announced; then one of the length that was announced, so that nothing is copied twice.
 */
class GrowingBuffer {
  readonly #wholeBytes: number | null;
  readonly #maxBytes: number;
  readonly #hold: (bytes: number) => void;
  #buffer = new Uint8Array(0);
  #bytes = 0;

  /** `hold` is asked before the buffer grows by `bytes`, and may throw. */
  constructor(wholeBytes: number | null, maxBytes: number, hold: (bytes: number) => void) {
    this.#wholeBytes = wholeBytes;
    this.#maxBytes = maxBytes;
    this.#hold = hold;
  }

  get bytes(): number {
    return this.#bytes;
  }

  get whole(): Uint8Array<ArrayBuffer> {
    return this.#buffer.subarray(0, this.#bytes);
  }

  add(chunk: Uint8Array): void {
    const needed = this.#bytes + chunk.byteLength;
    if (needed > this.#buffer.length) {
      const isSmall = needed <= smallBytes;
      const wished = isSmall
        ? smallBytes
        : (this.#wholeBytes ?? Math.max(smallBytes, this.#buffer.length * growth));
      const grown = Math.max(needed, Math.min(this.#wholeBytes ?? this.#maxBytes, wished));
      this.#hold(grown - this.#buffer.length);
      const before = this.whole;
      this.#buffer = new Uint8Array(grown);
      this.#buffer.set(before);
    }
    this.#buffer.set(chunk, this.#bytes);
    this.#bytes = needed;
  }
}

/** The body as it comes. @throws Failure `body_slow`, `too_large` */
async function* arrivingChunks(
  request: Request,
  maxBytes: number,
  bodyMs: number,
): AsyncGenerator<Uint8Array> {
  const reader = request.body?.getReader();
  if (!reader) return;
  const late = Promise.withResolvers<never>();
  late.promise.catch(() => {}); // nobody may be reading just then
  const startedAt = performance.now();
  let bytes = 0;
  const look = () => {
    const leftMs = bodyMs + (bytes / slowestBytesPerSecond) * 1000 - (performance.now() - startedAt);
    if (leftMs > 0) timer = setTimeout(look, leftMs);
    else
      late.reject(new Failure("body_slow", { seconds: Math.round((performance.now() - startedAt) / 1000) }));
  };
  let timer = setTimeout(look, bodyMs);
  try {
    for (;;) {
      const { done, value } = await Promise.race([reader.read(), late.promise]);
      if (done) return;
      bytes += value.byteLength;
      if (bytes > maxBytes) throw new Failure("too_large", { limitBytes: maxBytes });
      yield value;
    }
  } finally {
    clearTimeout(timer);
    void reader.cancel().catch(() => {}); // what may still come is dropped
  }
}

type Coding = "gzip" | "deflate" | "br" | "zstd";

/** @throws Failure `unsupported_encoding` */
function codingOf(header: string | null): Coding | null {
  const names = (header ?? "").split(",").map((each) => each.trim().toLowerCase());
  const applied = names.filter((name) => name !== "" && name !== "identity");
  if (applied.length === 0) return null;
  const [name = ""] = applied;
  const found = name === "x-gzip" ? "gzip" : name;
  const isKnown = found === "gzip" || found === "deflate" || found === "br" || found === "zstd";
  if (applied.length > 1 || !isKnown)
    throw new Failure("unsupported_encoding", { coding: applied.join(", ").slice(0, 100) });
  return found;
}

/**
 * What comes, decoded in a thread of the runtime's, so that a bound on it holds before the whole is there.
 */
async function* decoded(arriving: AsyncGenerator<Uint8Array>, coding: Coding): AsyncGenerator<Uint8Array> {
  const first = await arriving.next();
  if (first.done) return;
  async function* whole() {
    yield first.value as Uint8Array;
    yield* arriving;
  }
  const decoder = pipeline(Readable.from(whole()), decoderOf(coding, first.value), () => {});
  yield* decoder as AsyncIterable<Uint8Array>;
}

function decoderOf(coding: Coding, first: Uint8Array): Transform {
  if (coding === "gzip") return createGunzip();
  if (coding === "br") return createBrotliDecompress();
  if (coding === "zstd")
    return createZstdDecompress({ params: { [constants.ZSTD_d_windowLogMax]: zstdWindowLog } });
  // "deflate" means zlib's format (RFC 9110), but some send the bare one: zlib's begins with the method, 8
  return ((first[0] ?? 0) & 15) === 8 ? createInflate() : createInflateRaw();
}
