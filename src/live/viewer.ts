// Who watches a conversation: what a socket shows, to whom, and how far it is.

import type { ConversationId, MessageId, PersonId } from "../domain/id.ts";
import type { Transport } from "../domain/outgoing.ts";
import type { ListWatch } from "./list-watch.ts";
import type { Outbox } from "./outbox.ts";
import type { View } from "./view.ts";

/** Close code after which htmx does not reconnect (RFC 6455 §7.4.1). */
export const policyViolation = 1008;

/** What a socket shows, and to whom. */
export interface Viewer {
  readonly conversation: ConversationId;
  readonly view: View;
  /** null: a reader of a shared link, who sees only the thread. */
  readonly person: PersonId | null;
  /** The oldest message that the page must show. */
  readonly through?: MessageId | null;
}

export interface ViewerSocket extends Required<Viewer> {
  readonly outbox: Outbox;
  readonly transport: Transport;
  /** The person's list; null for a reader of a shared link. */
  readonly list: ListWatch | null;
  /** True while its snapshot is being fetched, which will contain the events of that time. */
  isSyncing: boolean;
  hasLeft: boolean;
  /**
   * True if the thread was reshaped while its snapshot was being fetched, which makes that snapshot stale.
   */
  isStale: boolean;
}
