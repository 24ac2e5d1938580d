// Runs as every process of a house sees them: those of this process while it leads, else the leader's. A
// follower stores a question itself and tells the leader; it asks the leader for Snapshots.

import type { Bus } from "../bus/bus.ts";
import type { Person } from "../domain/account.ts";
import { type ClusterWord, clusterTopic, type LeaderState } from "../domain/cluster.ts";
import type { Snapshot } from "../domain/event.ts";
import { Failure } from "../domain/failure.ts";
import type { ConversationId } from "../domain/id.ts";
import type { WhichRuns } from "../domain/run.ts";
import type { Utterance } from "../domain/thread.ts";
import type { NewRun, QueueRoom, Runs } from "../runs/runs.ts";
import type { QueuedRun, Store } from "../store/store.ts";
import type { Membership } from "./cluster.ts";
import type { FollowedUpstream } from "./followed-upstream.ts";
import type { Leader } from "./leader.ts";

interface FollowedRunsOptions {
  readonly membership: Membership;
  /** What this process uses while it leads. */
  readonly host: Runs;
  readonly room: QueueRoom;
  readonly leader: Pick<Leader, "live" | "ended" | "state">;
  readonly upstream: Pick<FollowedUpstream, "tell">;
  readonly bus: Bus;
  readonly store: Pick<Store, "activeRuns" | "wishStop">;
  /** Most Runs that may wait at once. */
  readonly queueMaxRuns: number;
  bug(error: unknown): void;
}

/** The conversations that are watched are told anew this often, in ms; a word may be lost. */
const watchingEveryMs = 5_000;
/** Most conversations in one word: more than about 200 ids would be too large for the Bus. */
const idsMax = 100;

export class FollowedRuns implements Runs, QueueRoom {
  readonly #options: FollowedRunsOptions;
  readonly #watched = new Map<ConversationId, { count: number; leave: (() => void) | null }>();
  readonly #unsubscribe: () => void;
  readonly #timer: Timer;
  #told: LeaderState | null = null;
  #isClosed = false;

  constructor(options: FollowedRunsOptions) {
    this.#options = options;
    this.#unsubscribe = options.bus.subscribe(
      clusterTopic,
      (event) => event.kind === "cluster" && event.word === "leading" && this.#tell(event.state),
      () => void this.#ask(),
    );
    this.#timer = setInterval(() => this.#sayAll(), watchingEveryMs).unref();
  }

  get closing(): boolean {
    return this.#isClosed || (this.#leads && this.#options.host.closing);
  }

  get load(): Runs["load"] {
    return this.#leads ? this.#options.host.load : (this.#told?.load ?? { running: 0, waiting: 0 });
  }

  enqueue(person: Person, queued: QueuedRun, how: NewRun): void {
    const { question, model, request = "" } = how;
    const isAddedAtEnd = question !== null;
    if (this.#leads) this.#options.host.enqueue(person, queued, how);
    else this.#say({ word: "queued", run: queued.run.id, isAddedAtEnd, model, request });
  }

  stop(which: WhichRuns): boolean {
    const { host, store, bug } = this.#options;
    if (this.#leads) return host.stop(which);
    // the wish outlives the leader, and is seen by the next one
    store.wishStop(which).then((wished) => wished > 0 && this.#say({ word: "stop", which }), bug);
    return true;
  }

  async live(conversation: ConversationId): Promise<readonly Snapshot[]> {
    const { host, store, leader } = this.#options;
    if (this.#leads) return host.live(conversation);
    return (await store.activeRuns(conversation)).length === 0 ? [] : leader.live(conversation);
  }

  unstored(conversation: ConversationId): Utterance | undefined {
    return this.#leads ? this.#options.host.unstored(conversation) : undefined;
  }

  ended(conversation: ConversationId): Promise<void> {
    return this.#leads ? this.#options.host.ended(conversation) : this.#options.leader.ended(conversation);
  }

  join(conversation: ConversationId): () => void {
    const watched = this.#watched.get(conversation) ?? { count: 0, leave: null };
    this.#watched.set(conversation, watched);
    watched.count++;
    if (watched.count === 1) {
      if (this.#leads) watched.leave = this.#options.host.join(conversation);
      else this.#sayWatching(false, [conversation], []);
    }
    return () => {
      if (--watched.count > 0) return;
      this.#watched.delete(conversation);
      watched.leave?.();
      if (!this.#leads) this.#sayWatching(false, [], [conversation]);
    };
  }

  attended(conversation: ConversationId): boolean {
    return this.#leads ? this.#options.host.attended(conversation) : this.#watched.has(conversation);
  }

  waitFacts(): { readonly seconds?: number } {
    return this.#leads ? this.#options.room.waitFacts() : (this.#told?.waitFacts ?? {});
  }

  waitingRequests(): number {
    if (this.#leads) return this.#options.room.waitingRequests();
    return (this.#told?.waitingRequests ?? []).reduce((sum, [, waiting]) => sum + waiting, 0);
  }

  needRoom(): void {
    const { waiting } = this.load;
    if (this.#leads) this.#options.room.needRoom();
    else if (waiting >= this.#options.queueMaxRuns)
      throw new Failure("queue_full", { waiting, ...this.waitFacts() });
  }

  limitsOf(person: Pick<Person, "id" | "limits">): Person["limits"] {
    if (this.#leads) return this.#options.room.limitsOf(person);
    const { limits, id } = person;
    const [, waiting = 0] = this.#told?.waitingRequests.find(([each]) => each === id) ?? [];
    const { waitingRunsMax } = limits;
    return waitingRunsMax === null
      ? limits
      : { ...limits, waitingRunsMax: Math.max(0, waitingRunsMax - waiting) };
  }

  /** This process leads from now on: its own pages are watched here. */
  lead(): void {
    for (const [conversation, watched] of this.#watched)
      watched.leave ??= this.#options.host.join(conversation);
  }

  /** This process ends: no Run begins here. */
  close(): void {
    this.#isClosed = true;
    clearInterval(this.#timer);
    this.#unsubscribe();
    if (!this.#leads) this.#sayWatching(true, [], []);
  }

  get #leads(): boolean {
    return this.#options.membership.isLeading;
  }

  #tell(state: LeaderState): void {
    if (state.term < (this.#told?.term ?? 0)) return; // of a leader that was deposed
    const isNewTerm = state.term !== this.#told?.term;
    this.#told = state;
    this.#options.upstream.tell(state);
    if (isNewTerm) this.#sayAll();
  }

  async #ask(): Promise<void> {
    if (this.#leads) return;
    await this.#options.leader.state().then((state) => this.#tell(state), this.#options.bug);
  }

  #sayAll(): void {
    if (this.#leads) return;
    const all = [...this.#watched.keys()];
    this.#sayWatching(true, all.slice(0, idsMax), []);
    for (let at = idsMax; at < all.length; at += idsMax)
      this.#sayWatching(false, all.slice(at, at + idsMax), []);
  }

  #sayWatching(isAll: boolean, joined: readonly ConversationId[], left: readonly ConversationId[]): void {
    this.#say({ word: "watching", process: this.#options.membership.id, isAll, joined, left });
  }

  #say(word: ClusterWord): void {
    this.#options.bus.publish(clusterTopic, { kind: "cluster", ...word });
  }
}
