// What one person may still ask for: the length of a message, questions per minute, tokens, room in the
// queue. Refuses with a Failure. Stores no question and does not order the queue.

import type { Allowance, Person } from "../domain/account.ts";
import { Failure } from "../domain/failure.ts";
import type { QueueRoom, Runs } from "../runs/runs.ts";
import { type Admission, perMinute, runsBucket, type UsageLedger } from "../store/accounts.ts";

interface QuotaDependencies {
  readonly usage: Pick<UsageLedger, "level" | "mayAdmit" | "today">;
  readonly runs: Pick<Runs, "closing">;
  readonly queue: QueueRoom;
  /** See config/bounds. */
  readonly bounds: { readonly messageMaxBytes: number; readonly queueMaxRuns: number };
}

export class Quota {
  readonly #usage: QuotaDependencies["usage"];
  readonly #runs: QuotaDependencies["runs"];
  readonly #queue: QueueRoom;
  readonly #bounds: QuotaDependencies["bounds"];

  constructor({ usage, runs, queue, bounds }: QuotaDependencies) {
    this.#usage = usage;
    this.#runs = runs;
    this.#queue = queue;
    this.#bounds = bounds;
  }

  /**
   * Refuses early a person whose next question or API request would be refused whatever its content is, so
   * that its body need not be read. Takes nothing from the person's allowance.
   * @throws Failure `queue_full`, `too_many_waiting`, `runs_limit`, `tokens_limit`, `shutting_down`
   */
  async mayAsk(person: Person): Promise<void> {
    this.refuseWhileClosing();
    this.#queue.needRoom();
    await this.#usage.mayAdmit({ owner: person.id, limits: this.#queue.limitsOf(person) });
  }

  /** What a person has used, and what they may use. */
  async allowance({ id, limits }: Pick<Person, "id" | "limits">): Promise<Allowance> {
    const { runsPerMinute } = limits;
    const runsLeft =
      runsPerMinute === null
        ? null
        : Math.floor(await this.#usage.level(runsBucket(id), perMinute(runsPerMinute)));
    return { usage: await this.#usage.today(id), limits, runsLeft };
  }

  /** A person's longest message, in bytes of UTF-8. */
  messageMaxBytes({ limits }: Person): number {
    return Math.min(this.#bounds.messageMaxBytes, limits.messageMaxBytes ?? Number.POSITIVE_INFINITY);
  }

  /** @throws Failure `shutting_down` */
  refuseWhileClosing(): void {
    if (this.#runs.closing) throw new Failure("shutting_down");
  }

  /**
   * Calls `store` with the bounds of the person and of the queue, which it must hold when it stores a
   * question.
   * @throws Failure as `store`; `queue_full` also says in how many seconds there will be room, where that
   *   is known
   */
  async admit<T>(person: Person, store: (admission: Admission) => Promise<T>): Promise<T> {
    const queue = this.#queue;
    try {
      const queueMaxRuns = this.#bounds.queueMaxRuns - queue.waitingRequests();
      return await store({ owner: person.id, limits: queue.limitsOf(person), queueMaxRuns });
    } catch (error) {
      if (!(error instanceof Failure && error.code === "queue_full")) throw error;
      throw new Failure("queue_full", { ...error.facts, ...queue.waitFacts() });
    }
  }
}
