// What rooms, lists and the hub read. Types only.

import type { Bus } from "../bus/bus.ts";
import type { Allowance } from "../domain/account.ts";
import type { ListedConversation } from "../domain/conversation.ts";
import type { Snapshot } from "../domain/event.ts";
import type { ConversationId, MessageId, PersonId } from "../domain/id.ts";
import type { EffectiveSettings } from "../domain/persona.ts";
import type { ThreadPage } from "../domain/thread.ts";
import type { UpstreamState } from "../domain/upstream.ts";
import type { Traffic } from "../telemetry/metrics.ts";

/** What a Room reads. */
export interface RoomSource {
  readonly bus: Bus;
  upstream(): UpstreamState;
  /** Snapshots of the Runs in progress, each as of its last event. */
  live(conversation: ConversationId): Promise<readonly Snapshot[]>;
  thread(
    conversation: ConversationId,
    part: { through?: MessageId },
  ): Promise<ThreadPage & { effective: EffectiveSettings; answersFrom?: readonly (string | null)[] }>;
  /** Says that somebody looks at a conversation, until the returned function is called. */
  join(conversation: ConversationId): () => void;
  onError(error: unknown): void;
}

/** What the list is read from. */
export interface ListSource {
  readonly bus: Bus;
  /** One entry of the list; null if the conversation is not in the list (any more). */
  listed(conversation: ConversationId): Promise<ListedConversation | null>;
  /** The first page of a person's list. */
  list(person: PersonId): Promise<readonly ListedConversation[]>;
  allowance(person: PersonId): Promise<Allowance>;
  onError(error: unknown): void;
}

/** What the hub reads. */
export interface HubSource extends ListSource, RoomSource {
  readonly traffic: Traffic;
}
