// A client's WebSocket that another process answers: frames go between the two connections as they are.

import type { Exchange } from "../cluster/exchanges.ts";
import { disconnectSlow, full } from "../domain/outgoing.ts";
import type { Socket, SocketHandler } from "./sockets.ts";

/** Most bytes that wait for the other process, and for a client that is behind. */
const [forProcessMaxBytes, forClientMaxBytes] = [16 << 20, 1 << 20];
/** Close code after which a page connects again (service restart). */
const restartCode = 1012;
/** Codes that say how a connection ended, and are never sent (RFC 6455, 7.4.1). */
const [noStatus, abnormal, noTls] = [1005, 1006, 1015];

type Frame = string | Buffer;

export class PassedSocket implements SocketHandler {
  readonly kind = "passed";
  readonly #other: WebSocket;
  readonly #exchange: Exchange;
  /** Frames that came before the client's connection was open. */
  #early: Frame[] | null = [];
  #client: Socket | null = null;
  #isBehind = false;
  #waitingBytes = 0;

  /** `other` may still be opening. */
  constructor(other: WebSocket, exchange: Exchange) {
    this.#other = other;
    this.#exchange = exchange;
    other.onmessage = ({ data }) => this.#send(data as Frame);
    other.onclose = ({ code, reason }) => {
      exchange.end();
      if (code === noStatus) this.#client?.close(1000, "");
      else if (code === abnormal || code === noTls) this.#client?.close(restartCode, "restart");
      else this.#client?.close(code, reason);
    };
    exchange.gone.addEventListener("abort", () => {
      this.#client?.close(restartCode, "restart");
      this.end();
    });
  }

  /** Ends the connection to the other process. */
  end(): void {
    this.#exchange.end();
    this.#other.close();
  }

  open(ws: Socket): void {
    const early = this.#early ?? [];
    this.#early = null;
    this.#client = ws;
    for (const frame of early) this.#send(frame);
    if (this.#other.readyState !== WebSocket.OPEN) ws.close(restartCode, "restart");
  }

  message(ws: Socket, frame: Frame): void {
    if (this.#other.bufferedAmount > forProcessMaxBytes) ws.close(1013, "too fast");
    else this.#other.send(frame as string); // or bytes, which the type leaves out
  }

  drain(): void {
    this.#isBehind = false;
    this.#waitingBytes = 0;
  }

  onAccessLost(): void {
    // the other process closes it
  }

  close(): void {
    this.#client = null;
    this.end();
  }

  #send(frame: Frame): void {
    const client = this.#client;
    if (this.#early) this.#early.push(frame);
    if (client === null) return;
    if (this.#isBehind) this.#waitingBytes += frame.length;
    if (this.#waitingBytes > forClientMaxBytes) disconnectSlow(client);
    else if (client.send(frame as string) === full) this.#isBehind = true;
  }
}
