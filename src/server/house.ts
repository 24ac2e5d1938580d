// A process of a house of several: what it does as a follower, what it begins when it leads, and how it
// leaves. A parlor that is alone leads from its start, without any of this.

import type { Bus } from "../bus/bus.ts";
import type { Membership } from "../cluster/cluster.ts";
import { FollowedRuns } from "../cluster/followed-runs.ts";
import type { FollowedUpstream } from "../cluster/followed-upstream.ts";
import { Leader } from "../cluster/leader.ts";
import type { Cluster } from "../cluster/membership.ts";
import type { RunHost } from "../runs/host.ts";
import type { Store } from "../store/store.ts";
import { answerProcess } from "./cluster-endpoints.ts";
import { Leading } from "./leading.ts";
import { type GateHouse, Passing } from "./passing.ts";
import type { Sockets } from "./sockets.ts";

/** What a process needs to be one of several. */
export interface HouseOptions {
  readonly cluster: Cluster;
  readonly upstream: FollowedUpstream;
  /** The secret that all processes share; null: there is only one, which must lead. */
  readonly key: string | null;
  /** See GateHouse. */
  readonly passedMax: number;
}

interface HouseDependencies {
  readonly store: Store;
  readonly bus: Bus;
  readonly bounds: { readonly queueMaxRuns: number };
  /** Reads again what an operator may have set in another process. */
  reload(): Promise<void>;
  bug(error: unknown): void;
}

export class House {
  readonly #options: HouseOptions;
  readonly #deps: HouseDependencies;
  readonly #host: RunHost;
  readonly runs: FollowedRuns;
  readonly #unwatch: () => void;
  #leading: Leading | null = null;

  constructor(options: HouseOptions, host: RunHost, deps: HouseDependencies) {
    this.#options = options;
    this.#deps = deps;
    this.#host = host;
    const { cluster: membership, upstream, key } = options;
    this.runs = new FollowedRuns({
      ...{ membership, host, room: host.queue.apiRequests, upstream },
      ...{ leader: new Leader(membership, key ?? ""), bus: deps.bus, store: deps.store, bug: deps.bug },
      queueMaxRuns: deps.bounds.queueMaxRuns,
    });
    this.#unwatch = deps.store.people.watch(() => void deps.reload().catch(deps.bug));
  }

  /** For the gate: who leads, the secret, and what is answered to the other processes. */
  get gate(): GateHouse {
    const { cluster: membership, key, passedMax } = this.#options;
    const dependencies = { membership, runs: this.#host, leading: () => this.#leading };
    return { membership, key, passedMax, answer: (url) => answerProcess(url, dependencies) };
  }

  /** The processes; null where there is only one. */
  get several(): Membership | null {
    return this.#options.key === null ? null : this.#options.cluster;
  }

  /** What passes requests on for the gate. */
  passing(sockets: Sockets): Passing {
    return new Passing(this.gate, sockets);
  }

  /**
   * Awaits the lease. `lead` is called when this process has it.
   * @throws Failure `no_leader` when it must lead, and another process does
   */
  async start(lead: () => Promise<void>, sockets: () => number): Promise<void> {
    const { cluster, upstream, key } = this.#options;
    const { store, bus, bug } = this.#deps;
    const begin = async () => {
      upstream.lead();
      await lead();
      this.runs.lead();
      this.#leading = new Leading({ store, bus, bug, upstream, runs: this.#host, term: cluster.ownTerm });
    };
    await cluster.start(begin, sockets);
    if (key === null) await cluster.mustLead();
  }

  /** Lets another process lead. Its Runs are saved before. */
  async stop(): Promise<void> {
    this.#unwatch();
    this.#leading?.stop();
    this.runs.close();
    await this.#options.cluster.stop();
  }
}
