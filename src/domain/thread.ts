// A path through a conversation as it is shown and sent: its Messages, each with the latest Run that wrote
// it. Beside domain/conversation, which knows nothing of Runs.

import type { Message } from "./conversation.ts";
import type { MessageId } from "./id.ts";
import type { Settings } from "./persona.ts";
import type { Run } from "./run.ts";

/** A Message with the latest Run that wrote it (none for what people wrote). */
export interface Utterance {
  readonly message: Message;
  readonly run: Run | null;
  /** The messages that could stand in its place, itself included, oldest first. */
  readonly siblings: readonly MessageId[];
}

/** A path through the conversation, oldest first. */
export type Thread = readonly Utterance[];

/** The end of the path that leads to `head`, or of the part of it before some message. */
export interface ThreadPage {
  /** The conversation's; empty while nothing has been said. */
  readonly title: string;
  readonly settings: Settings;
  readonly thread: Thread;
  /** Older messages are there that this page does not hold. */
  readonly hasEarlier: boolean;
}
