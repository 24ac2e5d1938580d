// Requests and sockets that are passed on to other processes and are not over: how many there are, and an end
// for those whose process does not answer any more. A machine that is cut off closes no connection.

import { Failure } from "../domain/failure.ts";
import type { Membership } from "./cluster.ts";

/** A request or a socket that is passed on. */
export interface Exchange {
  /** Address of the other process. */
  readonly to: string;
  /** Aborted when that process is gone. */
  readonly gone: AbortSignal;
  /** To be called when the exchange is over, however it ended. A second call changes nothing. */
  end(): void;
}

interface ExchangesOptions {
  readonly membership: Pick<Membership, "leader" | "processes">;
  /** Most requests at once. Sockets are not counted. */
  readonly requestsMax: number;
  /** Interval in which processes with exchanges are asked whether they live, and their time to answer, in ms. */
  readonly lookMs?: number;
}

/** A process is gone when it has not answered this often in a row. */
const silencesMax = 3;

export class Exchanges {
  readonly #options: ExchangesOptions;
  readonly #open = new Map<string, Set<AbortController>>();
  readonly #silences = new Map<string, number>();
  #requests = 0;
  #timer: Timer | null = null;

  constructor(options: ExchangesOptions) {
    this.#options = options;
  }

  /** Sockets and requests that are not over. */
  get size(): number {
    return [...this.#open.values()].reduce((sum, { size }) => sum + size, 0);
  }

  /** @throws Failure `queue_full` when there are too many requests */
  request(to: string): Exchange {
    const { requestsMax } = this.#options;
    if (this.#requests >= requestsMax)
      throw new Failure("queue_full", { waiting: this.#requests, seconds: 5 });
    this.#requests++;
    return this.#begin(to, () => this.#requests--);
  }

  socket(to: string): Exchange {
    return this.#begin(to, () => {});
  }

  #begin(to: string, over: () => void): Exchange {
    const controller = new AbortController();
    const others = this.#open.get(to) ?? new Set();
    this.#open.set(to, others.add(controller));
    this.#timer ??= setTimeout(() => void this.#look(), this.#lookMs);
    const end = () => {
      if (!others.delete(controller)) return;
      over();
      if (others.size === 0) this.#forget(to);
    };
    return { to, gone: controller.signal, end };
  }

  get #lookMs(): number {
    return this.#options.lookMs ?? 2_000;
  }

  /** Ends the exchanges with processes that are gone. */
  async #look(): Promise<void> {
    await Promise.all([...this.#open.keys()].map((to) => this.#lookAt(to)));
    this.#timer = this.#open.size === 0 ? null : setTimeout(() => void this.#look(), this.#lookMs);
  }

  async #lookAt(to: string): Promise<void> {
    const { leader, processes } = this.#options.membership;
    // the leader that was frozen is followed before it is silent for long enough
    const isDeposed = leader !== null && leader !== to && !processes.some(({ url }) => url === to);
    const silences = (await this.#answers(to)) ? 0 : (this.#silences.get(to) ?? 0) + 1;
    this.#silences.set(to, silences);
    const open = this.#open.get(to);
    if (!isDeposed && silences < silencesMax) return;
    this.#forget(to);
    for (const controller of [...(open ?? [])]) controller.abort();
  }

  /** True if the process answers anything in time. */
  async #answers(to: string): Promise<boolean> {
    const signal = AbortSignal.timeout(this.#lookMs);
    const init = { method: "HEAD", signal, redirect: "manual", keepalive: false } as const;
    return fetch(`${to}/healthz`, init).then(
      () => true,
      () => false,
    );
  }

  #forget(to: string): void {
    if ((this.#open.get(to)?.size ?? 0) === 0) this.#open.delete(to);
    this.#silences.delete(to);
  }
}
