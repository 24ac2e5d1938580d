// Contract of the passages that the answers of a conversation may cite. They are parts of messages; here they
// get their numbers, and are found by them.

import type { ConversationId, RunId } from "../domain/id.ts";
import type { Parts, SourcePart } from "../domain/part.ts";

/** A passage that has no number yet. */
export type FoundSource = Omit<SourcePart, "kind" | "n">;

export interface Sources {
  /**
   * Stores the passages that a running Run's answer may cite, before the answer's other parts. A passage gets
   * the number that it has in this conversation already, or the next one that none has had. Returns all parts
   * of the answer; null when the Run does not run.
   */
  add(run: RunId, passages: readonly FoundSource[]): Promise<Parts | null>;
  /** True if answers of a conversation may cite passages. */
  has(conversation: ConversationId): Promise<boolean>;
  /** The passage that this number cites in a conversation; null for none. Deleted messages have none. */
  find(conversation: ConversationId, n: number): Promise<SourcePart | null>;
}
