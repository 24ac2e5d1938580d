// What a follower asks the leader over HTTP: what is too large for the Bus, or needs an answer. While the
// leader changes, it asks again until there is one.

import type { LeaderState } from "../domain/cluster.ts";
import type { Snapshot } from "../domain/event.ts";
import { Failure } from "../domain/failure.ts";
import type { ConversationId } from "../domain/id.ts";
import type { Membership } from "./cluster.ts";
import { keyHeader } from "./pass.ts";

/** Longest wait for one answer, for a leader to answer at all, and between two attempts, in ms. */
const answerMs = 2_000;
const patienceMs = 12_000;
const againMs = 200;

export class Leader {
  readonly #membership: Pick<Membership, "leader" | "led">;
  readonly #key: string;

  constructor(membership: Pick<Membership, "leader" | "led">, key: string) {
    this.#membership = membership;
    this.#key = key;
  }

  /** See `Runs.live`. @throws Failure `no_leader` */
  async live(conversation: ConversationId): Promise<readonly Snapshot[]> {
    return (await this.#ask(`/cluster/live?c=${encodeURIComponent(conversation)}`)) as Snapshot[];
  }

  /** See `Runs.ended`. @throws Failure `no_leader` */
  async ended(conversation: ConversationId): Promise<void> {
    while (!(await this.#ask(`/cluster/ended?c=${encodeURIComponent(conversation)}`)))
      await Bun.sleep(againMs);
  }

  /** @throws Failure `no_leader` */
  async state(): Promise<LeaderState> {
    return (await this.#ask("/cluster/state")) as LeaderState;
  }

  async #ask(path: string): Promise<unknown> {
    const until = performance.now() + patienceMs;
    for (;;) {
      await this.#membership.led();
      const answer = await this.#askOnce(path).catch(() => null);
      if (answer !== null) return answer.json;
      if (performance.now() > until) throw new Failure("no_leader");
      await Bun.sleep(againMs);
    }
  }

  async #askOnce(path: string): Promise<{ json: unknown } | null> {
    const headers = { [keyHeader]: this.#key };
    const signal = AbortSignal.timeout(answerMs);
    const response = await fetch(`${this.#membership.leader}${path}`, {
      headers,
      signal,
      redirect: "manual",
    });
    return response.ok ? { json: await response.json() } : null;
  }
}
