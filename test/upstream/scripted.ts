// A scripted upstream for what a healthy llama-server never does: stall, cut, 500, split UTF-8, garbage, an
// endless line. Raw TCP, so that every byte and every moment is ours. It looks healthy to the watch unless
// `looks` says otherwise.

import type { Socket } from "bun";

export interface Exchange {
  /** Writes bytes as they are. */
  write(bytes: string | Uint8Array): void;
  /** Status line and headers of a chunked event stream. */
  begin(): void;
  /** One chunk of the body. */
  chunk(bytes: string | Uint8Array): void;
  /** An event with this delta. */
  delta(content: string): void;
  /** The proper end of a stream. */
  finish(): void;
  /** Closes the connection. */
  cut(): void;
  /** Resolves when the other side has closed the connection. */
  readonly closed: Promise<void>;
  readonly request: string;
}

export interface Scripted {
  readonly url: string;
  /** What happens at the next requests for a chat completion. */
  script: (exchange: Exchange) => void | Promise<void>;
  /** Status and body of /health, /props and /slots. */
  looks: { health: number; slots: string; props?: string };
  readonly chats: Exchange[];
  /** First lines of the requests about resumable streams. */
  readonly streams: string[];
  stop(): void;
}

interface Peer {
  received: string;
  /** What the other side has not taken yet. */
  unsent: Buffer;
  closed: PromiseWithResolvers<void>;
}

export function startScripted(script: Scripted["script"] = (exchange) => exchange.cut()): Scripted {
  const listener = Bun.listen<Peer>({
    hostname: "127.0.0.1",
    port: 0,
    socket: {
      open(socket) {
        socket.data = { received: "", unsent: Buffer.alloc(0), closed: Promise.withResolvers<void>() };
      },
      data(socket, bytes) {
        socket.data.received += bytes.toString();
        answerAll(socket, scripted);
      },
      drain: flush,
      close(socket) {
        socket.data.closed.resolve();
      },
      error() {},
    },
  });
  const scripted: Scripted = {
    url: `http://127.0.0.1:${listener.port}`,
    script,
    looks: { health: 200, slots: "[]" },
    chats: [],
    streams: [],
    stop: () => listener.stop(true),
  };
  return scripted;
}

/** Answers every complete request in what was received. */
function answerAll(socket: Socket<Peer>, scripted: Scripted): void {
  for (;;) {
    const head = socket.data.received.indexOf("\r\n\r\n");
    if (head < 0) return;
    const length = Number(/content-length: *(\d+)/i.exec(socket.data.received.slice(0, head))?.[1] ?? 0);
    const end = head + 4 + length;
    if (socket.data.received.length < end) return;
    const request = socket.data.received.slice(0, end);
    socket.data.received = socket.data.received.slice(end);
    answer(socket, request, scripted);
  }
}

function answer(socket: Socket<Peer>, request: string, scripted: Scripted): void {
  const path = request.split(" ")[1];
  if (path === "/health") plain(socket, scripted.looks.health, `{"status":"ok"}`);
  else if (path === "/props")
    plain(socket, 200, scripted.looks.props ?? `{"total_slots":2,"model_alias":"scripted"}`);
  else if (path === "/slots") plain(socket, 200, scripted.looks.slots);
  else if (path?.startsWith("/v1/stream?")) {
    scripted.streams.push(request.split("\r\n", 1)[0] as string);
    plain(socket, 404, "{}"); // as a llama-server that knows no resumable streams
  } else {
    const exchange = exchangeOf(socket, request);
    scripted.chats.push(exchange);
    void scripted.script(exchange);
  }
}

function plain(socket: Socket<Peer>, status: number, body: string): void {
  socket.write(
    `HTTP/1.1 ${status} X\r\ncontent-type: application/json\r\ncontent-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`,
  );
}

function flush(socket: Socket<Peer>): void {
  const { unsent } = socket.data;
  if (unsent.length > 0) socket.data.unsent = unsent.subarray(Math.max(0, socket.write(unsent)));
}

function exchangeOf(socket: Socket<Peer>, request: string): Exchange {
  const exchange: Exchange = {
    request,
    closed: socket.data.closed.promise,
    write(bytes) {
      socket.data.unsent = Buffer.concat([socket.data.unsent, Buffer.from(bytes as string)]);
      flush(socket);
    },
    begin: () =>
      exchange.write(
        "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n",
      ),
    chunk(bytes) {
      const data = Buffer.from(bytes as string);
      exchange.write(
        Buffer.concat([Buffer.from(`${data.length.toString(16)}\r\n`), data, Buffer.from("\r\n")]),
      );
    },
    delta: (content) => exchange.chunk(`data: ${JSON.stringify({ choices: [{ delta: { content } }] })}\n\n`),
    finish() {
      exchange.chunk(`data: {"choices":[{"delta":{},"finish_reason":"stop"}]}\n\ndata: [DONE]\n\n`);
      exchange.write("0\r\n\r\n");
    },
    cut: () => void socket.end(),
  };
  return exchange;
}

/** An answer with this status and llama-server's error object. */
export function refuse(exchange: Exchange, status: number, error: Record<string, unknown>): void {
  const body = JSON.stringify({ error });
  exchange.write(
    `HTTP/1.1 ${status} X\r\ncontent-type: application/json\r\ncontent-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`,
  );
}
