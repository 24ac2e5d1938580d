// Passes a request on to another process of the house, and its answer back, both while they stream. The other
// process answers as if the client had come to it.

import { Failure } from "../domain/failure.ts";

/** The secret of the house; the address of the client's connection. */
export const keyHeader = "x-parlor-cluster";
export const peerHeader = "x-parlor-peer";

export interface PassedOn {
  /** Address of the other process. */
  readonly to: string;
  readonly key: string;
  /** Address of the connection that the request came over. */
  readonly peer: string;
}

/** Headers that belong to one connection (RFC 9110, 7.6.1), and those that are made anew. */
const ofConnection = [
  "connection",
  "keep-alive",
  "proxy-connection",
  "te",
  "trailer",
  "transfer-encoding",
  "upgrade",
  "content-length",
];

/** Longest wait for the head of an answer to a request that another process must have, in ms. */
const connectMs = 5_000;

/**
 * Passes a request on. The answer may end early when the other process does.
 * @throws Failure `no_leader` when it can't be reached
 */
export async function passRequest(request: Request, passed: PassedOn): Promise<Response> {
  const { method, body, signal } = request;
  const init = {
    ...{ method, signal, headers: headersFor(request, passed) },
    ...(body !== null && method !== "GET" && method !== "HEAD" && { body, duplex: "half" }),
    ...{ redirect: "manual", decompress: false, timeout: false, keepalive: false },
  };
  let answer: Response;
  try {
    answer = await fetch(addressOf(request, passed.to), init as RequestInit);
  } catch (error) {
    if (signal.aborted) throw error;
    throw new Failure("no_leader");
  }
  const headers = new Headers(answer.headers);
  for (const name of ofConnection) headers.delete(name);
  return new Response(answer.body, { status: answer.status, statusText: answer.statusText, headers });
}

/** Opens a WebSocket to the other process. Resolves when it is open; null when that process refuses it. */
export async function passSocket(request: Request, passed: PassedOn): Promise<WebSocket | null> {
  const headers = headersFor(request, passed);
  const protocols = (headers.get("sec-websocket-protocol") ?? "").split(",").map((each) => each.trim());
  for (const name of [...headers.keys()]) if (name.startsWith("sec-websocket-")) headers.delete(name);
  const options = {
    headers: Object.fromEntries(headers),
    ...(protocols[0] && { protocols }),
    perMessageDeflate: false,
  };
  const address = addressOf(request, passed.to).replace(/^http/, "ws");
  const socket = new WebSocket(address, options as unknown as string[]);
  const { promise, resolve } = Promise.withResolvers<WebSocket | null>();
  const timer = setTimeout(() => {
    socket.close();
    resolve(null);
  }, connectMs);
  socket.onopen = () => resolve(socket);
  socket.onerror = () => resolve(null);
  return promise.finally(() => clearTimeout(timer));
}

function headersFor(request: Request, { key, peer }: PassedOn): Headers {
  const headers = new Headers(request.headers);
  for (const name of ofConnection) headers.delete(name);
  // an encoded answer is passed on as it comes; fetch would ask for encodings of its own
  if (!headers.has("accept-encoding")) headers.set("accept-encoding", "identity");
  headers.set(keyHeader, key);
  headers.set(peerHeader, peer);
  return headers;
}

function addressOf(request: Request, to: string): string {
  const { pathname, search } = new URL(request.url);
  return to + pathname + search;
}
