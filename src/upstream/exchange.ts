// One HTTP/1.1 exchange over a socket of its own, pushed to its reader as the bytes come. For streams alone: fetch hands each piece over
// from a thread of its own through a stream and a promise, which costs more than half again (61 against 38 µs of processor per token in the same bare relay), and no
// more than 256 run at once. Knows framing, not events; used by upstream/llama. Everything that is not streamed goes through fetch.

import type { Socket } from "bun";

export interface Head {
  readonly status: number;
  /** Names in lower case; of several of one name the last. */
  readonly headers: ReadonlyMap<string, string>;
}

export interface Listener {
  head(head: Head): void;
  /** A part of the body: what stands in `bytes` from `start` to `end`, the listener's until it returns. A chunk comes whole where one read brought it whole. */
  body(bytes: Buffer, start: number, end: number): void;
  /** All of one network read has been given. Returns true when no more is wanted. */
  read(): boolean;
}

export interface Request {
  readonly method: "GET" | "POST";
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string;
}

/** The connection could not be made, broke, or carried what is not HTTP. */
export class ExchangeBroken extends Error {
  override readonly name = "ExchangeBroken";
}

/** A head longer than this, or a line of the framing, is not of a llama-server; in bytes. */
const headMaxBytes = 64 * 1024;

/**
 * Sends a request and gives its answer to `listener`. Resolves when the answer is complete or no more of it is wanted; the connection is closed then.
 * Redirects are not followed, so that a key goes to nobody else.
 * @throws ExchangeBroken; the signal's reason when it is aborted, which closes the connection at once; whatever the listener throws
 */
export function exchange(address: URL, request: Request, listener: Listener, signal: AbortSignal): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  let socket: Socket | null = null;
  let isOver = false;
  const end = (settle: () => void) => {
    if (isOver) return;
    isOver = true;
    signal.removeEventListener("abort", onAbort);
    socket?.terminate();
    settle();
  };
  const fail = (error: unknown) => end(() => reject(error));
  const onAbort = () => fail(signal.reason);
  if (signal.aborted) return Promise.reject(signal.reason);
  signal.addEventListener("abort", onAbort, { once: true });

  const isSecure = address.protocol === "https:";
  const hostname = address.hostname.replace(/^\[|\]$/g, "");
  const framing = new Framing(listener);
  let unsent = Buffer.from(requestText(address, request));
  const send = (to: Socket) => {
    if (unsent.length > 0) unsent = unsent.subarray(Math.max(0, to.write(unsent)));
  };
  const broken = (why: string) => fail(new ExchangeBroken(why));
  Bun.connect({
    hostname,
    port: Number(address.port) || (isSecure ? 443 : 80),
    ...(isSecure && { tls: { serverName: hostname, rejectUnauthorized: true } }),
    socket: {
      open(opened) {
        socket = opened;
        if (isOver) opened.terminate();
        else if (!isSecure) send(opened);
      },
      handshake(opened, isDone, error) {
        if (isDone && !error && !isOver) send(opened);
        else broken(error?.message ?? "no TLS could be agreed on"); // nothing was sent: a key is for whom we know
      },
      drain: send,
      data(_, bytes) {
        if (isOver) return;
        try {
          const isComplete = framing.push(bytes);
          if (listener.read() || isComplete) end(resolve);
        } catch (error) {
          fail(error);
        }
      },
      close: () => (framing.mayEndHere ? end(resolve) : broken("the connection was closed")),
      error: (_, error) => broken(error.message),
      connectError: (_, error) => broken(error.message),
    },
  }).catch((error: Error) => broken(error.message));
  return promise;
}

function requestText(address: URL, { method, headers, body = "" }: Request): string {
  const lines = Object.entries({ ...headers, host: address.host, connection: "close", ...(body !== "" && { "content-length": Buffer.byteLength(body) }) });
  // a line end in a value would begin a header of its own
  const head = lines.map(([name, value]) => `${name}: ${String(value).replace(/[\r\n]+/g, " ")}\r\n`).join("");
  return `${method} ${address.pathname}${address.search} HTTP/1.1\r\n${head}\r\n${body}`;
}

const lineFeed = 10;
const carriageReturn = 13;

/** Takes an answer apart (RFC 9112): its head, then the body in chunks, of a length, or up to the connection's end. */
class Framing {
  readonly #listener: Listener;
  #state: "head" | "size" | "data" | "data end" | "trailer" | "up to the end" | "over" = "head";
  #isChunked = false;
  /** Bytes that remain of the chunk, or of the body. */
  #left = 0;
  /** What has been read of a line, or of the head. */
  #begun = "";

  constructor(listener: Listener) {
    this.#listener = listener;
  }

  /** The end of the connection is the end of the body. */
  get mayEndHere(): boolean {
    return this.#state === "up to the end" || this.#state === "over";
  }

  /** Takes what one read brought; true when the answer is complete. */
  push(bytes: Buffer): boolean {
    let at = 0;
    while (at < bytes.length && this.#state !== "over") {
      if (this.#state === "data") at = this.#data(bytes, at);
      else if (this.#state === "size") at = this.#size(bytes, at);
      else if (this.#state === "up to the end") {
        this.#listener.body(bytes, at, bytes.length);
        at = bytes.length;
      } else at = this.#line(bytes, at);
    }
    return this.#state === "over";
  }

  #data(bytes: Buffer, at: number): number {
    const end = Math.min(bytes.length, at + this.#left);
    this.#left -= end - at;
    if (this.#left === 0) this.#state = this.#isChunked ? "data end" : "over";
    this.#listener.body(bytes, at, end);
    if (this.#state !== "data end" || bytes[end] !== carriageReturn || bytes[end + 1] !== lineFeed) return end;
    this.#state = "size";
    return end + 2;
  }

  /** A chunk's size, as a rule a few digits and a line end: read where it stands, for this is the token path. */
  #size(bytes: Buffer, at: number): number {
    let size = 0;
    for (let i = at; this.#begun === "" && i < bytes.length; i++) {
      const digit = hexDigits[bytes[i] as number] as number;
      if (digit >= 0 && size < maxChunk) size = size * 16 + digit;
      else if (i > at && bytes[i] === carriageReturn && bytes[i + 1] === lineFeed && size > 0) {
        this.#left = size;
        this.#state = "data";
        return i + 2;
      } else break;
    }
    return this.#line(bytes, at);
  }

  #line(bytes: Buffer, at: number): number {
    const found = bytes.indexOf(lineFeed, at);
    const end = found < 0 ? bytes.length : found + 1;
    if (this.#begun.length + end - at > headMaxBytes) throw new ExchangeBroken("a head without an end");
    this.#begun += bytes.toString("latin1", at, end);
    if (found >= 0) this.#lineEnds();
    return end;
  }

  #lineEnds(): void {
    const text = this.#begun;
    if (this.#state === "head") {
      if (!/\r?\n\r?\n$/.test(text)) return;
      this.#headEnds(text);
    } else if (this.#state === "size") {
      this.#left = Number.parseInt(text, 16);
      if (!(this.#left >= 0)) throw new ExchangeBroken("a chunk without a size");
      this.#state = this.#left === 0 ? "trailer" : "data";
    } else if (this.#state === "data end") this.#state = "size";
    else if (text.trim() === "") this.#state = "over";
    this.#begun = "";
  }

  #headEnds(text: string): void {
    const [first = "", ...lines] = text.split(/\r?\n/);
    const status = Number(/^HTTP\/1\.[01] (\d{3})/.exec(first)?.[1]);
    if (!status) throw new ExchangeBroken("what answers does not speak HTTP");
    if (status < 200) return; // 100 Continue: the real head is still to come
    const headers = new Map(lines.filter((line) => line.includes(":")).map((line) => [nameOf(line), line.slice(line.indexOf(":") + 1).trim()]));
    const length = Number(headers.get("content-length") ?? Number.NaN);
    this.#isChunked = headers.get("transfer-encoding")?.toLowerCase().endsWith("chunked") ?? false;
    if (this.#isChunked) this.#state = "size";
    else if (Number.isNaN(length)) this.#state = "up to the end";
    else this.#state = length > 0 ? "data" : "over";
    this.#left = this.#isChunked ? 0 : length;
    this.#listener.head({ status, headers });
  }
}

/** A chunk larger than this is read the slow way; in bytes. */
const maxChunk = 1 << 24;
/** The value of each byte as a hexadecimal digit, or -1. */
const hexDigits = Int8Array.from({ length: 256 }, (_, byte) => "0123456789abcdef".indexOf(String.fromCharCode(byte).toLowerCase()));

const nameOf = (line: string): string => line.slice(0, line.indexOf(":")).trim().toLowerCase();
