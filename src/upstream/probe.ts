// The requests that watch a llama-server: a GET with a deadline, and the number of busy slots from /slots.
// Not a place for what follows from the answers (upstream/slots).

import { jsonOf, send, type Target } from "./http.ts";
import { childOf } from "./models.ts";

/**
 * `gone`: no server, or one that does not tell; waiting for it gains nothing. `unknown`: it did not answer
 * now.
 */
type BusySlots = number | "gone" | "unknown";

/** Statuses of a server that does not show its slots: `--no-slots`, or a key that may not read them. */
const untold: readonly number[] = [400, 401, 403, 404, 501];

export class Probe {
  readonly #target: Target;
  readonly #probeMs: number;
  #isClosed = false;

  /** @param probeMs longest time for one request */
  constructor(target: Target, probeMs: number) {
    this.#target = target;
    this.#probeMs = probeMs;
  }

  /** From now on a request that fails means that the server is gone: nothing waits for its slots. */
  close(): void {
    this.#isClosed = true;
  }

  /** Status and JSON body (null if the body is no JSON); null when the server did not answer in time. */
  async get(path: string): Promise<{ status: number; json: unknown } | null> {
    const within = AbortSignal.timeout(this.#probeMs);
    try {
      const response = await send(this.#target, { method: "GET", path }, within);
      return { status: response.status, json: await jsonOf(response, within) };
    } catch {
      return null;
    }
  }

  /** JSON of a successful answer; null otherwise. */
  async json(path: string): Promise<unknown> {
    const found = await this.get(path);
    return found !== null && found.status >= 200 && found.status < 300 ? found.json : null;
  }

  /** Busy slots of the server, or of these models of a router together. */
  async busySlots(models: readonly string[] | null): Promise<BusySlots> {
    if (models === null) return this.#busyAt("/slots");
    const busy = await Promise.all(models.map((name) => this.#busyAt(`/slots?${childOf(name)}`)));
    // a model whose slots are gone has been unloaded
    return busy.some((each) => each === "unknown")
      ? "unknown"
      : busy.reduce((sum: number, each) => sum + Number(each === "gone" ? 0 : each), 0);
  }

  async #busyAt(path: string): Promise<BusySlots> {
    const response = await this.get(path);
    if (response === null)
      return this.#isClosed ? "gone" : (await this.get("/health")) === null ? "gone" : "unknown";
    if (untold.includes(response.status)) return "gone";
    const slots = response.json;
    return Array.isArray(slots)
      ? slots.filter((slot: { is_processing?: unknown } | null) => slot?.is_processing === true).length
      : "unknown";
  }
}
