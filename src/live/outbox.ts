// Sends frames to one socket, with a bound. While the reader is behind, frames are skipped instead of
// buffered; when it has caught up, one snapshot replaces all that it missed.

import { Traffic } from "../telemetry/metrics.ts";

/**
 * Part of Bun's ServerWebSocket. `send` returns bytes sent, -1 (queued: the reader is behind) or 0
 * (dropped).
 */
export interface Sink {
  send(frame: string): number;
  close(code: number, reason: string): void;
}

/**
 * Close code for a reader that is too slow; htmx reconnects after it (IANA WebSocket close codes: try again
 * later).
 */
const tryAgainLater = 1013;

/** What a frame shows, and therefore what must be sent again after it was skipped. */
export type About = "thread" | "surroundings" | "nothing";

export class Outbox {
  readonly #sink: Sink;
  readonly #resync: (missed: About) => void;
  readonly #traffic: Traffic;
  #behind = false;
  #missed: About = "nothing";

  /**
   * `resync` is called when a reader that missed something has caught up; it must send the current state of
   * that.
   */
  constructor(sink: Sink, resync: (missed: About) => void, traffic = new Traffic()) {
    this.#sink = sink;
    this.#resync = resync;
    this.#traffic = traffic;
  }

  /** Sends a frame, or skips it while the reader is behind. An empty frame is not sent. */
  send(frame: string, about: About = "thread"): void {
    if (frame === "") return;
    if (this.#behind) {
      this.#traffic.skipped++;
      if (this.#missed !== "thread" && about !== "nothing") this.#missed = about;
      return;
    }
    const result = this.#sink.send(frame);
    this.#traffic.frames++;
    this.#traffic.bytes += result > 0 ? result : frame.length;
    if (result === -1) {
      this.#behind = true;
      this.#traffic.held++;
    } else if (result === 0) this.#sink.close(tryAgainLater, "too slow");
  }

  /** To be called when the socket's buffer is empty again. */
  drain(): void {
    this.#behind = false;
    const missed = this.#missed;
    this.#missed = "nothing";
    if (missed !== "nothing") this.#resync(missed);
  }
}
