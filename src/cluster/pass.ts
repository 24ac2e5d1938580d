// Passes a request on to another process of the house, and its answer back, both while they stream. The other
// process answers as if the client had come to it.

import { Failure } from "../domain/failure.ts";
import type { Exchange } from "./exchanges.ts";

/** The secret of the house; the address of the client's connection. */
export const keyHeader = "x-parlor-cluster";
export const peerHeader = "x-parlor-peer";

export interface PassedOn {
  readonly key: string;
  /** Address of the connection that the request came over. */
  readonly peer: string;
  /** Path and query. */
  readonly path: string;
}

/** A WebSocket to another process. Listen to it at once: it may bring frames as soon as it is open. */
interface PassedOnSocket {
  readonly socket: WebSocket;
  /** True when it is open; false when the other process refuses it, or does not answer. */
  readonly opened: Promise<boolean>;
}

/** Headers that belong to one connection (RFC 9110, 7.6.1). Bun answers `Expect` itself. */
const ofConnection = [
  "connection",
  "keep-alive",
  "proxy-connection",
  "te",
  "trailer",
  "transfer-encoding",
  "upgrade",
  "expect",
];

/** Longest wait for a WebSocket to open, in ms. */
const openMs = 5_000;

/**
 * Passes a request on. It and its answer are read no faster than they are passed on. An answer whose process
 * ends before it does is cut, so that nobody takes its beginning for the whole.
 * @throws Failure `no_leader` when the process can't be reached, `stopped` when the client has gone
 */
export async function passRequest(
  request: Request,
  passed: PassedOn,
  { to, gone, end }: Exchange,
): Promise<Response> {
  const { method, body } = request;
  const headers = headersFor(request, passed);
  const bringsBody = body !== null && method !== "GET" && method !== "HEAD";
  if (!bringsBody) headers.delete("content-length");
  const init = {
    ...{ method, headers, signal: AbortSignal.any([request.signal, gone]) },
    ...(bringsBody && { body, duplex: "half" }),
    ...{ redirect: "manual", decompress: false, timeout: false, keepalive: false },
  };
  request.signal.addEventListener("abort", end);
  let answer: Response;
  try {
    answer = await fetch(to + passed.path, init as RequestInit);
  } catch (error) {
    end();
    throw request.signal.aborted ? new Failure("stopped") : unreachable(to, error);
  }
  const answerHeaders = new Headers(answer.headers);
  for (const name of ofConnection) answerHeaders.delete(name);
  const { status, statusText } = answer;
  if (answer.body === null) end();
  const answered = answer.body && untilOver(answer.body, end);
  return new Response(answered, { status, statusText, headers: answerHeaders });
}

/** Opens a WebSocket to another process. */
export function passSocket(request: Request, passed: PassedOn, { to, gone }: Exchange): PassedOnSocket {
  const headers = headersFor(request, passed);
  const protocols = (headers.get("sec-websocket-protocol") ?? "").split(",").map((each) => each.trim());
  for (const name of [...headers.keys()]) if (name.startsWith("sec-websocket-")) headers.delete(name);
  const options = {
    headers: Object.fromEntries(headers),
    ...(protocols[0] && { protocols }),
    perMessageDeflate: false,
  };
  const address = (to + passed.path).replace(/^http/, "ws");
  const socket = new WebSocket(address, options as unknown as string[]);
  const { promise, resolve } = Promise.withResolvers<boolean>();
  const giveUp = () => {
    socket.close();
    resolve(false);
  };
  const timer = setTimeout(giveUp, openMs);
  gone.addEventListener("abort", giveUp);
  socket.addEventListener("open", () => resolve(true));
  socket.addEventListener("error", () => resolve(false));
  socket.addEventListener("close", () => resolve(false));
  return { socket, opened: promise.finally(() => clearTimeout(timer)) };
}

/** Its facts are only logged: they say to an operator why a process can't be reached. */
const unreachable = (to: string, error: unknown): Failure =>
  new Failure("no_leader", { at: to, cause: (error as { code?: string }).code ?? String(error) });

/** True if nothing of the request was sent, so that it can be sent to another process as it is. */
export const isUnsent = (error: unknown): boolean =>
  error instanceof Failure && error.code === "no_leader" && error.facts["cause"] === "ECONNREFUSED";

/** The same bytes, read when they are read. `over` is called at the end, however it comes. */
function untilOver(body: ReadableStream<Uint8Array>, over: () => void): ReadableStream<Uint8Array> {
  const reader = body.getReader();
  return new ReadableStream(
    {
      async pull(controller) {
        try {
          const { done, value } = await reader.read();
          if (!done) return controller.enqueue(value);
          over();
          controller.close();
        } catch (error) {
          over();
          controller.error(error);
        }
      },
      cancel(reason) {
        over();
        return reader.cancel(reason);
      },
    },
    { highWaterMark: 0 },
  );
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
