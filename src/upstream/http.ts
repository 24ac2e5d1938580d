// The HTTP client for llama-servers, over Bun's fetch. Every request is sent here, and every answer is read
// here within bounds. The meaning of requests and answers is in upstream/requests and upstream/answer.

import { Failure } from "../domain/failure.ts";
import { parseJson } from "../domain/json.ts";
import { withoutCredentials } from "../domain/upstream.ts";

/** The address of a llama-server, and the credentials for it or for a proxy in front of it. */
export interface Target {
  /** Without credentials, as pages, logs, metrics and failures show it. */
  readonly url: string;
  /** Sent with every request. */
  readonly headers: Readonly<Record<string, string>>;
}

/** Hosts that are this machine. Requests to them never go through a proxy. */
const loopback = ["localhost", "127.0.0.0/8", "::1", "0.0.0.0"];

/**
 * Keeps requests to this machine away from the proxy that HTTP_PROXY or ALL_PROXY name. fetch obeys these
 * variables for loopback addresses too, and a proxy elsewhere reaches another machine's loopback. Bun reads
 * `no_proxy` before `NO_PROXY`.
 */
export function bypassProxyForLoopback(env: Record<string, string | undefined> = process.env): void {
  bypassProxyFor(loopback, env);
}

/** The same for other hosts, from now on. */
export function bypassProxyFor(
  hosts: readonly string[],
  env: Record<string, string | undefined> = process.env,
): void {
  const before = (env["no_proxy"] || env["NO_PROXY"] || "").split(",").map((each) => each.trim());
  const all = [...new Set([...before.filter((each) => each !== ""), ...hosts])].join(",");
  env["no_proxy"] = env["NO_PROXY"] = all;
}

/** Requests that Bun's fetch runs at once; the others wait without a word. Bun reads it before parlor starts. */
export const fetchesMax = (): number => Number(process.env["BUN_CONFIG_MAX_HTTP_REQUESTS"]) || 256;

/** The variable that sends requests for `url` through a proxy; null when none does. */
export function proxyVariable(
  url: string,
  env: Record<string, string | undefined> = process.env,
): string | null {
  const names = url.startsWith("https:") ? ["HTTPS_PROXY", "https_proxy"] : ["HTTP_PROXY", "http_proxy"];
  return [...names, "ALL_PROXY", "all_proxy"].find((name) => env[name]) ?? null;
}

/**
 * The Target of an address as an operator writes it. `user:password@` becomes Basic authentication (RFC
 * 7617). There is one Authorization header, so that an API key is then sent as `X-Api-Key`; alone it is a
 * Bearer token.
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

/** Resolves percent escapes; a text with invalid escapes stays unchanged. */
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
 * Sends a request; resolves when the head of the answer has arrived, whatever its status.
 * @throws Failure `upstream_absent` when there is no HTTP answer; the signal's reason when it is aborted
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
    redirect: "manual", // a redirect would send the key to another server
    // llama-server closes a connection after 100 requests or 5 idle seconds; a request sent at that moment is
    // lost
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

/**
 * Larger bodies are given to fetch in slices of this size, in bytes: fetch keeps a copy of a whole body (59
 * of 60 MB, measured).
 */
const sliceBytes = 256 * 1024;

const isLarge = (body: NonNullable<Request["body"]>): body is Uint8Array<ArrayBuffer> =>
  typeof body !== "string" && body.length > sliceBytes;

const sent = (body: NonNullable<Request["body"]>) => (isLarge(body) ? slices(body) : body);

/** A sliced body has no known length and would be sent chunked; this header gives its length. */
const lengthOf = (body: Request["body"]) =>
  body !== undefined && isLarge(body) ? { "content-length": String(body.length) } : {};

async function* slices(body: Uint8Array): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < body.length; at += sliceBytes) yield body.subarray(at, at + sliceBytes);
}

/**
 * Reads a body to its end, or until `take` returns true. `take` gets each network read once. While a promise
 * that it returns is pending, nothing is read, which stops llama-server (fetch stops reading from the
 * socket).
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
    reader.cancel().catch(() => {}); // otherwise the connection stays open until garbage collection
  }
}

/** Discards the rest of an answer. */
export async function dropBody(response: Response): Promise<void> {
  await response.body?.cancel().catch(() => {});
}

/** True to stop reading. */
export type Taken = boolean | undefined | Promise<boolean | undefined>;

/**
 * Largest answer that is read as a whole, in bytes: a list of models, properties (with a chat template), a
 * count.
 */
const jsonMaxBytes = 4 << 20;

/**
 * The text of an answer, at most `maxBytes` of it.
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

/**
 * The JSON of an answer; null for anything else, and for an answer that is too large.
 * @throws as `readBody`
 */
export async function jsonOf(response: Response, signal: AbortSignal): Promise<unknown> {
  return parseJson(await textOf(response, signal)) ?? null;
}
