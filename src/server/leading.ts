// What the leader does for the other processes: takes up the Runs that they have stored, stops those that
// they want stopped, knows which conversations are watched there, and tells them what they must know.

import type { Bus } from "../bus/bus.ts";
import { type ClusterWord, clusterTopic, type LeaderState } from "../domain/cluster.ts";
import type { ConversationId, PersonId, RunId } from "../domain/id.ts";
import type { RunHost } from "../runs/host.ts";
import type { Store } from "../store/store.ts";
import type { Upstream } from "../upstream/upstream.ts";

interface LeadingDependencies {
  readonly store: Store;
  readonly bus: Bus;
  readonly runs: RunHost;
  readonly upstream: Upstream;
  readonly term: number;
  bug(error: unknown): void;
}

/** Interval in which the state is told and the Store is looked at for what was lost on the Bus, in ms. */
const lookEveryMs = 1_000;
/** A process that said nothing about whom it has for this long has nobody, in ms. */
const silentMs = 15_000;
/** Changes of the llama-servers within this time are told together, in ms. */
const gatherMs = 50;

interface Elsewhere {
  readonly leaves: Map<ConversationId, () => void>;
  heardAt: number;
}

export class Leading {
  readonly #deps: LeadingDependencies;
  readonly #elsewhere = new Map<string, Elsewhere>();
  readonly #taken = new Set<RunId>();
  readonly #ends: (() => void)[];
  /** Queued Runs of the last look that are not in our queue. */
  #unknown: ReadonlySet<RunId> = new Set();
  #soon: Timer | null = null;

  constructor(deps: LeadingDependencies) {
    this.#deps = deps;
    const timer = setInterval(() => void this.#look().catch(deps.bug), lookEveryMs).unref();
    this.#ends = [
      () => clearInterval(timer),
      deps.bus.subscribe(clusterTopic, (event) => event.kind === "cluster" && this.#hear(event)),
      deps.upstream.watch(() => {
        this.#soon ??= setTimeout(() => this.#tell(), gatherMs);
      }),
    ];
    this.#tell();
  }

  get state(): LeaderState {
    const { term, runs, upstream } = this.#deps;
    const { apiRequests } = runs.queue;
    const waiting = new Map<PersonId, number>();
    for (const { owner, status } of apiRequests.now)
      if (status === "queued") waiting.set(owner, (waiting.get(owner) ?? 0) + 1);
    const models = [null, ...upstream.state.models.map(({ name }) => name)];
    return {
      ...{ term, closing: runs.closing, load: runs.load, waitFacts: apiRequests.waitFacts() },
      ...{ waitingRequests: [...waiting], upstream: upstream.state, servers: upstream.servers },
      facts: models.map((model) => [model, upstream.facts(model)] as const),
    };
  }

  stop(): void {
    for (const end of this.#ends) end();
    if (this.#soon) clearTimeout(this.#soon);
  }

  #hear(event: ClusterWord): void {
    const { runs, bug } = this.#deps;
    if (event.word === "queued") this.#take(event.run, event).catch(bug);
    if (event.word === "stop") runs.stop(event.which);
    if (event.word === "watching") this.#watch(event);
    if (event.word === "ended") this.#forget(event.process);
  }

  /** Puts a Run into the queue that another process has stored. */
  async #take(
    id: RunId,
    how: { readonly isAddedAtEnd: boolean; readonly model: string | null; readonly request: string },
  ): Promise<void> {
    const { store, runs } = this.#deps;
    if (this.#taken.has(id) || runs.inProgress.get(id)) return;
    this.#taken.add(id);
    try {
      const [unfinished] = await store.unfinishedRuns(id);
      const person = unfinished && (await store.people.person(unfinished.run.owner));
      if (!person || unfinished.run.status !== "queued" || runs.closing) return;
      const { answer, run } = unfinished;
      const { parent } = answer;
      const question =
        how.isAddedAtEnd && parent !== null ? await store.message(run.conversation, parent) : null;
      runs.enqueue(person, unfinished, { question, model: how.model, request: how.request });
    } finally {
      this.#taken.delete(id);
    }
  }

  #watch({ process, isAll, joined, left }: ClusterWord & { word: "watching" }): void {
    const { runs } = this.#deps;
    const known = this.#elsewhere.get(process) ?? { leaves: new Map(), heardAt: 0 };
    this.#elsewhere.set(process, known);
    known.heardAt = performance.now();
    const gone = isAll ? [...known.leaves.keys()].filter((id) => !joined.includes(id)) : left;
    for (const id of joined) if (!known.leaves.has(id)) known.leaves.set(id, runs.join(id));
    for (const id of gone) {
      known.leaves.get(id)?.();
      known.leaves.delete(id);
    }
  }

  #forget(process: string): void {
    for (const leave of this.#elsewhere.get(process)?.leaves.values() ?? []) leave();
    this.#elsewhere.delete(process);
  }

  /** Finds what was lost on the Bus: Runs that wait, and wishes to stop. */
  async #look(): Promise<void> {
    const { store, runs } = this.#deps;
    this.#tell();
    const silentSince = performance.now() - silentMs;
    for (const [process, { heardAt }] of this.#elsewhere) if (heardAt < silentSince) this.#forget(process);
    const active = await store.activeRuns();
    for (const { id, isStopWished } of active) if (isStopWished) runs.stop({ id });
    const unknown = active.filter(({ id, status }) => status === "queued" && !runs.inProgress.get(id));
    const before = this.#unknown;
    this.#unknown = new Set(unknown.map(({ id }) => id));
    // one that is new may be on its way into the queue
    for (const { id } of unknown)
      if (before.has(id)) await this.#take(id, { isAddedAtEnd: false, model: null, request: "" });
  }

  #tell(): void {
    if (this.#soon) clearTimeout(this.#soon);
    this.#soon = null;
    this.#deps.bus.publish(clusterTopic, { kind: "cluster", word: "leading", state: this.state });
  }
}
