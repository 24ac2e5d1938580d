// Erases conversations that nobody will ask for again. Deletion that can be undone is in
// chat/conversation-actions.

import type { ConversationId } from "../domain/id.ts";
import type { ChatDependencies } from "./dependencies.ts";

type ForgettingDependencies = Pick<ChatDependencies, "runs" | "temporary" | "storeOf">;

export class Forgetting {
  readonly #deps: ForgettingDependencies;
  #isOver = false;

  constructor(deps: ForgettingDependencies) {
    this.#deps = deps;
  }

  /** Stops a conversation's Run and erases the conversation once the Run has ended. */
  async forget(conversation: ConversationId): Promise<void> {
    const { runs, storeOf } = this.#deps;
    runs.stop({ conversation });
    await runs.ended(conversation);
    if (!this.#isOver) await storeOf(conversation).forget(conversation);
  }

  /**
   * Erases the temporary conversations that have no Run, that nobody has open, and in which nothing was
   * said since `idleSince` (milliseconds since 1970).
   */
  async forgetTemporary(idleSince: number): Promise<void> {
    const { runs, temporary } = this.#deps;
    for (const id of await temporary.ids({ idleSince })) {
      if (!runs.attended(id) && (await runs.live(id)).length === 0) await temporary.forget(id);
    }
  }

  /** Erases nothing from now on: the Store is about to be closed. */
  end(): void {
    this.#isOver = true;
  }
}
