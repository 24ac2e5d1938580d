// One socket's way out, with its bound. It minds what `send` returns: while the reader is behind nothing more
// is put into the socket's buffer, and one snapshot replaces all that was skipped when it reads again.

import { Traffic } from "../telemetry/metrics.ts";

/** The part of Bun's ServerWebSocket that is used: `send` returns bytes, -1 (queued, you are behind) or 0 (dropped). */
export interface Sink {
  send(frame: string): number;
  close(code: number, reason: string): void;
}

/** Closed because too slow; htmx comes again on this code (RFC 6455 §7.4, IANA: try again later). */
const tryAgainLater = 1013;

/** What a frame tells of: that is what must be told again when it was skipped. */
export type About = "thread" | "surroundings" | "nothing";

export class Outbox {
  readonly #sink: Sink;
  readonly #resync: (missed: About) => void;
  readonly #traffic: Traffic;
  #behind = false;
  #missed: About = "nothing";

  /** `resync` is called when the reader has caught up and has missed something: it must tell that as it is now. */
  constructor(sink: Sink, resync: (missed: About) => void, traffic = new Traffic()) {
    this.#sink = sink;
    this.#resync = resync;
    this.#traffic = traffic;
  }

  /** Sends a frame, or skips it while the reader is behind. An empty one is for nobody. */
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

  /** The socket's buffer has been emptied. */
  drain(): void {
    this.#behind = false;
    const missed = this.#missed;
    this.#missed = "nothing";
    if (missed !== "nothing") this.#resync(missed);
  }
}
