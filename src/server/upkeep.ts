// Periodic work: sends heartbeats to sockets, forgets temporary conversations, erases deleted ones, and
// deletes data that is past its retention.

import type { Attachments } from "../chat/attachments.ts";
import type { Forgetting } from "../chat/forgetting.ts";
import type { Hub } from "../live/hub.ts";
import type { Store } from "../store/store.ts";
import type { Sockets } from "./sockets.ts";

interface UpkeepDependencies {
  readonly store: Pick<Store, "purge" | "retention">;
  readonly forgetting: Forgetting;
  readonly hub: Pick<Hub, "sendHeartbeat">;
  readonly attachments: Pick<Attachments, "removeUnsent">;
  readonly sockets: Pick<Sockets, "ping" | "recheckAccess">;
  readonly bounds: { readonly heartbeatMs: number; readonly temporaryMs: number };
  bug(error: unknown): void;
}

/** Heartbeats without an answer after which the other side counts as dead. */
export const missedHeartbeatsMax = 3;

/** How long a delete can be undone, and the interval of the retention check, in ms. */
const undoMs = 24 * 3_600_000;
const retentionEveryMs = 10 * 60_000;

export class Upkeep {
  readonly #dependencies: UpkeepDependencies;
  #timers: readonly Timer[] = [];

  constructor(dependencies: UpkeepDependencies) {
    this.#dependencies = dependencies;
  }

  /** Begins what each process does for its sockets. */
  start(): void {
    const { sockets, bounds } = this.#dependencies;
    this.#timers = [
      setInterval(() => this.#heartbeat(), bounds.heartbeatMs),
      setInterval(() => sockets.recheckAccess(), retentionEveryMs), // a session or link may have expired
    ];
  }

  /** Does what one process does for the house, and goes on with it. */
  async lead(): Promise<void> {
    const { forgetting, bounds, bug } = this.#dependencies;
    const forget = async () => {
      await forgetting.forgetTemporary(Date.now() - bounds.temporaryMs);
      await this.#purge();
    };
    this.#timers = [
      ...this.#timers,
      setInterval(() => void forget().catch(bug), bounds.heartbeatMs),
      setInterval(() => void this.applyRetention().catch(bug), retentionEveryMs),
    ];
    await this.#purge();
  }

  stop(): void {
    for (const timer of this.#timers) clearInterval(timer);
  }

  /** Erases deleted conversations that can no longer be undeleted. */
  async #purge(): Promise<void> {
    await this.#dependencies.store.purge(Date.now() - undoMs);
  }

  /** Deletes what is past its retention. */
  async applyRetention(): Promise<void> {
    const { store, forgetting, attachments } = this.#dependencies;
    for (const id of await store.retention.outlived(Date.now())) await forgetting.forget(id);
    await store.retention.tidy(Date.now());
    await attachments.removeUnsent(Date.now());
  }

  /**
   * Bun's idle time-out does not find a dead client to which something is sent now and then, since every send
   * resets its timer. So parlor pings every socket, and closes those that were silent for
   * `missedHeartbeatsMax` heartbeats.
   */
  #heartbeat(): void {
    const { hub, sockets, bounds } = this.#dependencies;
    hub.sendHeartbeat();
    sockets.ping(performance.now() - missedHeartbeatsMax * bounds.heartbeatMs);
  }
}
