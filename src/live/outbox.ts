// Frames for one page. While its reader is behind, frames are skipped instead of held; when it has caught up,
// one snapshot replaces all that it missed.

import { full, sendTo, type Transport } from "../domain/outgoing.ts";
import { Traffic } from "../telemetry/metrics.ts";

/** What a frame shows, and therefore what must be sent again after it was skipped. */
export type FrameScope = "thread" | "surroundings" | "nothing";

export class Outbox {
  readonly #transport: Transport;
  readonly #resync: (missed: FrameScope) => void;
  readonly #traffic: Traffic;
  #isBehind = false;
  #missed: FrameScope = "nothing";

  /**
   * `resync` is called when a reader that missed something has caught up; it must send the current state of
   * that.
   */
  constructor(transport: Transport, resync: (missed: FrameScope) => void, traffic = new Traffic()) {
    this.#transport = transport;
    this.#resync = resync;
    this.#traffic = traffic;
  }

  /** Sends a frame, or skips it while the reader is behind. An empty frame is not sent. */
  send(frame: string, scope: FrameScope = "thread"): void {
    if (frame === "") return;
    if (this.#isBehind) {
      this.#traffic.skipped++;
      if (this.#missed !== "thread" && scope !== "nothing") this.#missed = scope;
      return;
    }
    const result = sendTo(this.#transport, frame);
    this.#traffic.frames++;
    this.#traffic.bytes += result > 0 ? result : frame.length;
    if (result !== full) return;
    this.#isBehind = true;
    this.#traffic.held++;
  }

  /** To be called when the socket's buffer is empty again. */
  drain(): void {
    this.#isBehind = false;
    const missed = this.#missed;
    this.#missed = "nothing";
    if (missed !== "nothing") this.#resync(missed);
  }
}
