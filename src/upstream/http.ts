// The HTTP client for llama-servers, over Bun's fetch: every request to one is sent here, and every answer is read here
// within bounds. Not a place for what requests and answers mean (upstream/requests, upstream/answer).

import { Failure } from "../domain/failure.ts";
import { withoutCredentials } from "../domain/upstream.ts";

/** Where a llama-server is, and what proves to it, or to a proxy before it, who asks. */
export interface Target {
  /** Without credentials: what pages, logs, metrics and failures show. */
  readonly url: string;
  /** Sent with every request. */
  readonly headers: Readonly<Record<string, string>>;
}

/** The hosts that are this machine; a proxy is never asked for them. */
const loopback = ["localhost", "127.0.0.0/8", "::1", "0.0.0.0"];

/**
 * Keeps requests to this machine away from the proxy that HTTP_PROXY or ALL_PROXY name. fetch obeys these variables for
 * loopback addresses too, and a proxy elsewhere reaches another machine's loopback. Bun reads `no_proxy` before `NO_PROXY`.
 */
export function bypassProxyForLoopback(env: Record<string, string | undefined> = process.env): void {
  const before = (env["no_proxy"] || env["NO_PROXY"] || "").split(",").map((each) => each.trim());
  const hosts = [...new Set([...before.filter((each) => each !== ""), ...loopback])].join(",");
  env["no_proxy"] = env["NO_PROXY"] = hosts;
}

/** The variable that sends requests for `url` through a proxy; null when none does. */
export function proxyVariable(
  url: string,
  env: Record<string, string | undefined> = process.env,
): string | null {
  const names = url.startsWith("https:") ? ["HTTPS_PROXY", "https_proxy"] : ["HTTP_PROXY", "http_proxy"];
  return [...names, "ALL_PROXY", "all_proxy"].find((name) => env[name]) ?? null;
}

/**
 * The Target of an address as an operator writes it. `user:password@` becomes Basic authentication (RFC 7617); an API key is
 * a Bearer token then and `X-Api-Key` beside it, since there is one Authorization header.
 * @param address an absolute http or https URL
 */
export function targetOf(address: string, apiKey: string | null): Target {
  const { username, password: secret } = new URL(address);
  const [user, password] = [username, secret].map(decoded);
  const shown = withoutCredentials(address).replace(/\/+$/, "");
  if (!user && !password)
    return { url: shown, headers: apiKey === null ? {} : { authorization: `Bearer ${apiKey}` } };
  const basic = Buffer.from(`${user}:${password}`).toString("base64");
  return {
    url: shown,
    headers: { authorization: `Basic ${basic}`, ...(apiKey !== null && { "x-api-key": apiKey }) },
  };
}

/** Percent escapes resolved; a text with broken ones as it stands. */
function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

/** One request. */
export interface Request {
  readonly method: "GET" | "POST" | "DELETE";
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | Uint8Array<ArrayBuffer>;
}

/**
 * Sends a request; resolves when the head of its answer is there, whatever its status.
 * @throws Failure `upstream_absent` when nobody answers with HTTP; the signal's reason when it is aborted
 */
export async function send(
  { url, headers }: Target,
  request: Request,
  signal: AbortSignal,
): Promise<Response> {
  const init = {
    method: request.method,
    headers: {
      "accept-encoding": "identity",
      connection: "close",
      ...lengthOf(request.body),
      ...request.headers,
      ...headers,
    },
    ...(request.body !== undefined && request.body.length > 0 && { body: sent(request.body) }),
    signal,
    redirect: "manual", // the key goes to nobody else
    // llama-server closes a connection after 100 requests or 5 idle seconds, and a request that is sent just then is lost
    keepalive: false,
    timeout: false, // fetch gives up after about 6 idle minutes; the deadline is in the signal
  } as const;
  try {
    return await fetch(url + request.path, init as RequestInit);
  } catch {
    if (signal.aborted) throw signal.reason;
    throw new Failure("upstream_absent", { url });
  }
}

/** fetch keeps a copy of a body that it gets whole (59 of 60 MB, measured); from this size on it gets it in slices of that, in bytes. */
const sliceBytes = 256 * 1024;

const isLarge = (body: NonNullable<Request["body"]>): body is Uint8Array<ArrayBuffer> =>
  typeof body !== "string" && body.length > sliceBytes;

const sent = (body: NonNullable<Request["body"]>) => (isLarge(body) ? slices(body) : body);

/** A body in slices has no length of its own, and would go in chunks. */
const lengthOf = (body: Request["body"]) =>
  body !== undefined && isLarge(body) ? { "content-length": String(body.length) } : {};

async function* slices(body: Uint8Array): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < body.length; at += sliceBytes) yield body.subarray(at, at + sliceBytes);
}

/**
 * Reads a body to its end, or until `take` returns true. `take` gets each network read once; a promise that it returns is
 * waited for before the next read, which keeps llama-server from sending more (fetch stops reading from the socket).
 * @throws Failure `upstream_cut` when the connection breaks; the signal's reason; whatever `take` throws
 */
export async function readBody(
  response: Response,
  signal: AbortSignal,
  take: (bytes: Uint8Array<ArrayBuffer>) => Taken,
): Promise<void> {
  const reader = response.body?.getReader();
  if (!reader) return;
  let isReading = true;
  try {
    for (;;) {
      isReading = true;
      const { done, value } = await reader.read();
      isReading = false;
      if (done) return;
      const taken = take(value);
      if (taken === true || (taken instanceof Promise && (await taken))) return;
      if (signal.aborted) throw signal.reason;
    }
  } catch (error) {
    if (!isReading) throw error;
    throw signal.aborted ? signal.reason : new Failure("upstream_cut");
  } finally {
    reader.cancel().catch(() => {}); // a body that is merely dropped keeps its connection until the garbage collector comes
  }
}

/** Lets go of an answer of which no more is wanted. One that is broken already has nothing to let go of. */
export async function dropBody(response: Response): Promise<void> {
  await response.body?.cancel().catch(() => {});
}

/** True when no more is wanted. */
export type Taken = boolean | undefined | Promise<boolean | undefined>;

/** Largest answer in one piece that is read: a list of models, properties (a chat template is in them), a count; in bytes. */
const jsonMaxBytes = 4 << 20;

/**
 * The text of an answer in one piece, at most `maxBytes` of it.
 * @throws as `readBody`
 */
export async function textOf(
  response: Response,
  signal: AbortSignal,
  maxBytes = jsonMaxBytes,
): Promise<string> {
  const decoder = new TextDecoder();
  let [text, bytes] = ["", 0];
  await readBody(response, signal, (piece) => {
    bytes += piece.length;
    text += decoder.decode(piece, { stream: true });
    return bytes > maxBytes;
  });
  return text;
}

/** The JSON of an answer in one piece; null for anything else, and for one that is too large. @throws as `readBody` */
export async function jsonOf(response: Response, signal: AbortSignal): Promise<unknown> {
  const text = await textOf(response, signal);
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return null;
  }
}
