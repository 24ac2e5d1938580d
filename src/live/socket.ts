// The page's socket: joins its Room, turns frames into Commands, answers the sender. One of the three places
// where a Failure is caught. Bun's own handler, because hono's hides what `send` returns and has no `drain`.

import type { Language } from "../../views/words.ts";
import type { Chat } from "../chat/chat.ts";
import { type Command, obey } from "../chat/command.ts";
import type { ConversationActions } from "../chat/conversation-actions.ts";
import type { Person } from "../domain/account.ts";
import { Failure, type Refuse } from "../domain/failure.ts";
import type { ConversationId, MessageId } from "../domain/id.ts";
import {
  doneFrame,
  farewellFrame,
  noticeFrame,
  prunedFrame,
  removedFrame,
  settledFrame,
  type View,
  viewOf,
} from "./frames.ts";
import { type Hub, policyViolation, type Watcher } from "./hub.ts";
import { parseCommand } from "./inbound.ts";
import type { Sink } from "./outbox.ts";

interface LiveParts {
  readonly chat: Chat;
  readonly shelf: ConversationActions;
  readonly hub: Hub;
  readonly refuse: Refuse;
  /** Has a frame's addresses lead below the path that parlor is at. */
  below(frame: string): string;
  /** The socket is closed. */
  left?(): void;
  /** Commands of one socket that may be under way at once; more are refused. */
  readonly commandsMax: number;
}

/** Who opens a page's socket, and before what. */
export interface Opening {
  readonly conversation: ConversationId;
  readonly language: Language;
  /** Their time zone; null: not known. */
  readonly zone: string | null;
  /** Its thread reaches back to this one, if that is given. */
  readonly through: MessageId | null;
  /** Who it is, as they are now; null: somebody who follows a link, and only reads. */
  readonly who: (() => Person) | null;
  /** What the socket is called in logs. */
  readonly request: string;
}

/** The handler of one page's socket. */
export function liveDoor({ conversation, language, zone, through, who, request }: Opening, parts: LiveParts) {
  const view = viewOf(language, { isReader: who === null, zone });
  let member: Watcher | null = null;
  let underWay = 0;
  let count = 0;
  let turn = Promise.resolve();
  /** Does what a frame wishes, and answers it; never rejects. */
  const handle = async (ws: Sink, frame: string | Uint8Array, isTooMany: boolean): Promise<void> => {
    try {
      if (who === null) throw new Failure("read_only");
      if (isTooMany) throw new Failure("conversation_busy");
      const command = parseCommand(frame);
      await obey(command, { person: who(), conversation, request: `${request}.${++count}` }, parts);
      ws.send(parts.below(answerTo(command, conversation, view)));
    } catch (error) {
      const failure = parts.refuse(error);
      ws.send(parts.below(noticeFrame(failure.report, conversation, view))); // past the outbox: it is small, and a snapshot would not bring it again
    }
  };
  return {
    kind: who === null ? "reader" : "page",
    open(ws: Sink): void {
      member = parts.hub.join(
        { conversation, view, person: who?.().id ?? null, through },
        { send: (frame) => ws.send(parts.below(frame)), close: (code, reason) => ws.close(code, reason) },
      );
    },
    async message(ws: Sink, frame: string | Uint8Array): Promise<void> {
      underWay++;
      const isTooMany = underWay > parts.commandsMax;
      // one after the other: what is said in a row is asked in that order, however long a look at a file takes
      turn = turn.then(() => handle(ws, frame, isTooMany));
      await turn;
      underWay--;
    },
    drain(): void {
      member?.outbox.drain();
    },
    /** The one who sits before it may not stay. */
    expel(ws: Sink): void {
      ws.send(parts.below(farewellFrame(who === null ? "not_found" : "not_signed_in", view)));
      ws.close(policyViolation, "not signed in");
    },
    close(): void {
      member?.leave();
      parts.left?.();
    },
  };
}

/** What the sender is told of a Command that was obeyed. */
function answerTo(command: Command, conversation: ConversationId, view: View): string {
  if (command.type === "remove") return removedFrame(command.conversation, view);
  if (command.type === "prune") return prunedFrame(conversation, command.message, view);
  if (command.type === "settle") return doneFrame() + settledFrame(view);
  return doneFrame("conversation" in command ? command.conversation : undefined);
}
