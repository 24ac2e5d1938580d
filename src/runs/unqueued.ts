// API requests that no slot of a conversation is needed for, because other llama-servers answer them. They
// don't wait in the queue, and count in people's limits as those that do.

import type { Person } from "../domain/account.ts";
import type { UsageLedger } from "../store/accounts.ts";
import type { Log } from "../telemetry/log.ts";

interface UnqueuedDependencies {
  readonly usage: Pick<UsageLedger, "admit" | "spend">;
  readonly log: Log;
}

interface UnqueuedRequest {
  readonly person: Person;
  /** Id of the request in logs. */
  readonly request: string;
  /** Path of the requested address; for logs. */
  readonly path: string;
}

export class UnqueuedRequests {
  readonly #deps: UnqueuedDependencies;

  constructor(deps: UnqueuedDependencies) {
    this.#deps = deps;
  }

  /**
   * Calls `work`, which counts the tokens of the request in its argument.
   * @throws Failure `runs_limit`, `tokens_limit`; whatever `work` throws
   */
  async run(
    { person, request, path }: UnqueuedRequest,
    work: (used: { tokens: number }) => Promise<void>,
  ): Promise<void> {
    const { usage, log } = this.#deps;
    await usage.admit({ owner: person.id, limits: person.limits });
    const used = { tokens: 0 };
    try {
      await work(used);
    } finally {
      log.info("API request ended", { request, path, person: person.id, tokens: used.tokens });
      await usage
        .spend(person.id, used.tokens)
        .catch((error) => log.error("usage could not be saved", { error: String(error) }));
    }
  }
}
