// The page's socket: joins its Room, turns frames into Commands, answers the sender. One of the three places where a
// Failure is caught. Bun's own handler, because hono's hides what `send` returns and has no `drain`. Used by app.

import type { Language } from "../../views/words.ts";
import type { Chat } from "../chat/chat.ts";
import { type Command, obey } from "../chat/command.ts";
import type { Shelf } from "../chat/shelf.ts";
import type { ConversationId, MessageId } from "../domain/conversation.ts";
import { asFailure, Failure } from "../domain/failure.ts";
import { doneFrame, noticeFrame, removedFrame, settledFrame } from "./frames.ts";
import type { Hub, Member } from "./hub.ts";
import { parseCommand } from "./inbound.ts";
import type { Sink } from "./outbox.ts";

export interface LiveParts {
  readonly chat: Chat;
  readonly shelf: Shelf;
  readonly hub: Hub;
  bug(error: unknown): void;
  /** Commands of one socket that may be under way at once; more are refused. */
  readonly commandsMax: number;
}

/** The handler of one page's socket; its thread reaches back to `through`, if that is given. */
export function liveDoor(conversation: ConversationId, language: Language, through: MessageId | null, parts: LiveParts) {
  let member: Member | null = null;
  let underWay = 0;
  return {
    open(ws: Sink): void {
      member = parts.hub.join(conversation, language, ws, through);
    },
    async message(ws: Sink, frame: string | Uint8Array): Promise<void> {
      try {
        underWay++;
        if (underWay > parts.commandsMax) throw new Failure("conversation_busy");
        const command = parseCommand(frame);
        await obey(command, conversation, parts);
        ws.send(answerTo(command, language));
      } catch (error) {
        const failure = asFailure(error);
        if (failure.code === "internal") parts.bug(error);
        ws.send(noticeFrame(failure.report, conversation, language)); // past the outbox: it is small, and a snapshot would not bring it again
      } finally {
        underWay--;
      }
    },
    drain(): void {
      member?.outbox.drain();
    },
    close(): void {
      member?.leave();
    },
  };
}

/** What the sender is told of a Command that was obeyed. */
function answerTo(command: Command, language: Language): string {
  if (command.type === "remove") return removedFrame(command.conversation, language);
  if (command.type === "settle") return doneFrame() + settledFrame(language);
  return doneFrame("conversation" in command ? command.conversation : undefined);
}
