// Which of the two Stores keeps a conversation: the durable one, or that of temporary conversations.

import { type ConversationId, isTemporary } from "../domain/id.ts";
import type { Store } from "./store.ts";

/** The Store that keeps a conversation. */
export type StoreOf = (conversation: ConversationId) => Store;

/** Temporary conversations are kept in `temporary`, which never writes to disk; all others in `store`. */
export function storeChooser(stores: { readonly store: Store; readonly temporary: Store }): StoreOf {
  return (conversation) => (isTemporary(conversation) ? stores.temporary : stores.store);
}
