// A path through a conversation as it is shown: its Messages, each with the latest Run that wrote it.

import type { Message } from "./conversation.ts";
import type { MessageId } from "./id.ts";
import type { Settings } from "./persona.ts";
import type { Run } from "./run.ts";

/** A Message with the latest Run that wrote it; null for messages of people. */
export interface Utterance {
  readonly message: Message;
  readonly run: Run | null;
  /** The messages with the same parent, itself included, oldest first. */
  readonly siblings: readonly MessageId[];
}

/** A path through the conversation, oldest first. */
export type Thread = readonly Utterance[];

/** The last messages of a path. */
export interface ThreadPage {
  /** The conversation's title; empty in an unknown conversation. */
  readonly title: string;
  readonly settings: Settings;
  readonly thread: Thread;
  /** True when the path has older messages than those of this page. */
  readonly hasEarlier: boolean;
}
