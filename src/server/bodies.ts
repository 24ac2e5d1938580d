// Reads the bodies of all requests and decodes them. Each body has a bound of its own and a time limit, and
// all bodies together have a bound. Whether the sender may send a body is checked before.

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
  /** Most bytes of all bodies in memory at once. */
  readonly bodiesMaxBytes: number;
  /** Time for a body, in ms. After that it must keep to `slowestBytesPerSecond`. */
  readonly bodyMs: number;
}

/**
 * After `bodyMs`, a body whose average speed is below this is given up: a tenth of a slow mobile uplink (1
 * Mbit/s).
 */
const slowestBytesPerSecond = 12_500;

/** A body up to this size is always accepted, so that large bodies do not keep small ones out. */
const smallBytes = 64 * 1024;

/** A full buffer of unknown final length is replaced by one that is this many times as large. */
const growthFactor = 4;

/** RFC 9659: a zstd frame for the web needs a window of at most 8 MiB. */
const zstdWindowLog = 23;

export class Bodies {
  readonly #bounds: BodiesBounds;
  readonly #heldBy = new Map<PersonId | null, number>();
  #heldBytes = 0;

  constructor(bounds: BodiesBounds) {
    this.#bounds = bounds;
  }

  /** Bytes of all bodies in memory now. */
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
      if (request.signal.aborted) throw new Failure("stopped"); // the sender has gone away
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
    const remaining = (this.#heldBy.get(owner) ?? 0) - bytes;
    if (remaining > 0) this.#heldBy.set(owner, remaining);
    else this.#heldBy.delete(owner);
  }

  /**
   * Refuses `bytes` more of a body that has `heldBytes` already, if all bodies together would exceed the
   * bound, or the sender's would exceed half of it. A body that is alone always fits: it has a bound of its
   * own.
   * @throws Failure `bodies_full`
   */
  #needRoom(bytes: number, owner: PersonId | null, heldBytes: number): void {
    if (heldBytes + bytes <= smallBytes) return;
    const max = this.#bounds.bodiesMaxBytes;
    const ownerBytes = this.#heldBy.get(owner) ?? 0;
    const isFull = this.#heldBytes + bytes > max && this.#heldBytes > heldBytes;
    const isShareFull = ownerBytes + bytes > max / 2 && ownerBytes > heldBytes;
    if (isFull || isShareFull) throw new Failure("bodies_full");
  }
}

/**
 * Collects a body. The first buffer is small, since most bodies are small, and many senders announce a large
 * body and never send it. The next has the announced length, so that nothing is copied twice.
 */
class GrowingBuffer {
  readonly #wholeBytes: number | null;
  readonly #maxBytes: number;
  readonly #hold: (bytes: number) => void;
  #buffer = new Uint8Array(0);
  #bytes = 0;

  /** `hold` is called before the buffer grows by `bytes`. If it throws, the buffer stays as it is. */
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
      const wanted = isSmall
        ? smallBytes
        : (this.#wholeBytes ?? Math.max(smallBytes, this.#buffer.length * growthFactor));
      const grown = Math.max(needed, Math.min(this.#wholeBytes ?? this.#maxBytes, wanted));
      this.#hold(grown - this.#buffer.length);
      const before = this.whole;
      this.#buffer = new Uint8Array(grown);
      this.#buffer.set(before);
    }
    this.#buffer.set(chunk, this.#bytes);
    this.#bytes = needed;
  }
}

/** The body's chunks as they arrive. @throws Failure `body_slow`, `too_large` */
async function* arrivingChunks(
  request: Request,
  maxBytes: number,
  bodyMs: number,
): AsyncGenerator<Uint8Array> {
  const reader = request.body?.getReader();
  if (!reader) return;
  const late = Promise.withResolvers<never>();
  late.promise.catch(() => {}); // it may reject while nothing awaits it
  const startedAt = performance.now();
  let bytes = 0;
  const checkSpeed = () => {
    const remainingMs = bodyMs + (bytes / slowestBytesPerSecond) * 1000 - (performance.now() - startedAt);
    if (remainingMs > 0) timer = setTimeout(checkSpeed, remainingMs);
    else
      late.reject(new Failure("body_slow", { seconds: Math.round((performance.now() - startedAt) / 1000) }));
  };
  let timer = setTimeout(checkSpeed, bodyMs);
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
    void reader.cancel().catch(() => {}); // the rest of the body is dropped
  }
}

type Coding = "gzip" | "deflate" | "br" | "zstd";

/** The content coding; null if there is none. @throws Failure `unsupported_encoding` */
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
 * Decodes chunks as they arrive, in a thread of the runtime, so that the bound is enforced before all is
 * decoded.
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
  // "deflate" means the zlib format (RFC 9110), but some send raw deflate. zlib begins with the method, 8.
  return ((first[0] ?? 0) & 15) === 8 ? createInflate() : createInflateRaw();
}
