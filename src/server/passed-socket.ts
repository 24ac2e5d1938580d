// A client's WebSocket that another process answers: frames go between the two connections as they are.

import type { Socket, SocketHandler } from "./sockets.ts";

/** A client that sends faster than the other process reads is closed beyond this, in bytes. */
const waitingMaxBytes = 16 << 20;
/** Close code after which a page connects again (service restart). */
const restartCode = 1012;

export class PassedSocket implements SocketHandler {
  readonly kind = "passed";
  readonly #other: WebSocket;
  /** Frames that came before the client's connection was open. */
  #early: (string | Buffer)[] | null = [];
  #client: Socket | null = null;

  /** `other` is open. */
  constructor(other: WebSocket) {
    this.#other = other;
    other.onmessage = ({ data }) =>
      this.#early?.push(data as string | Buffer) ?? this.#client?.send(data as string);
    other.onclose = ({ code, reason }) => this.#client?.close(code === 1006 ? restartCode : code, reason);
  }

  open(ws: Socket): void {
    this.#client = ws;
    for (const frame of this.#early ?? []) ws.send(frame as string);
    this.#early = null;
    if (this.#other.readyState !== WebSocket.OPEN) ws.close(restartCode, "restart");
  }

  message(ws: Socket, frame: string | Buffer): void {
    if (this.#other.bufferedAmount > waitingMaxBytes) ws.close(1013, "too fast");
    else this.#other.send(frame as string); // or bytes, which the type leaves out
  }

  drain(): void {}

  onAccessLost(): void {
    // the other process closes it
  }

  close(): void {
    this.#client = null;
    this.#other.close();
  }
}
