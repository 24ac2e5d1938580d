// The handler of a page's socket: joins its Room, parses frames into Commands, runs them and answers the
// sender, a Failure included. Written for Bun's own sockets, because hono's hide what `send` returns and
// have no `drain`.

import { linkedTo } from "../../views/markdown/citations.ts";
import type { Language } from "../../views/words.ts";
import type { Chat } from "../chat/chat.ts";
import { type Command, execute } from "../chat/command.ts";
import type { ConversationActions } from "../chat/conversation-actions.ts";
import type { Threads } from "../chat/threads.ts";
import type { Person } from "../domain/account.ts";
import { Failure, type Refuse } from "../domain/failure.ts";
import type { ConversationId, MessageId } from "../domain/id.ts";
import type { Transport } from "../domain/outgoing.ts";
import {
  accessLostFrame,
  doneFrame,
  noticeFrame,
  prunedFrame,
  removedFrame,
  settingsSavedFrame,
} from "./frames.ts";
import type { Hub, Watcher } from "./hub.ts";
import { parseCommand } from "./inbound.ts";
import { type View, viewOf } from "./view.ts";
import { policyViolation } from "./viewer.ts";

interface PageSocketDependencies {
  readonly chat: Chat;
  readonly threads: Threads;
  readonly actions: ConversationActions;
  readonly hub: Hub;
  readonly refuse: Refuse;
  /** Prefixes the addresses in a frame with parlor's base path. */
  withBasePath(frame: string): string;
  /** Called when the socket is closed. */
  onClose?(): void;
  /** Commands of one socket that may be under way at once; further ones are refused. */
  readonly commandsMax: number;
}

/** What a page's socket shows, and to whom. */
interface PageSocketOptions {
  readonly conversation: ConversationId;
  readonly language: Language;
  /** IANA time zone; null if it is not known. */
  readonly zone: string | null;
  /** The oldest message that the page must show; null for the default number of messages. */
  readonly through: MessageId | null;
  /** Where the citations lead that a reader may follow; absent or null: as they are rendered. */
  readonly sourcePath?: string | null;
  /** The person with their current rights; null for a reader of a shared link. */
  readonly person: (() => Person) | null;
  /** See View. */
  readonly isAdmin?: boolean;
  /** Id of the socket in logs. */
  readonly request: string;
}

/** The handler of one page's socket. */
export function pageSocketHandler(
  { conversation, language, zone, through, isAdmin = false, ...options }: PageSocketOptions,
  deps: PageSocketDependencies,
) {
  const { person, sourcePath = null, request } = options;
  const view = viewOf(language, { isReader: person === null, isAdmin, zone });
  let watcher: Watcher | null = null;
  let pending = 0;
  let commands = 0;
  let queue = Promise.resolve();
  /** Runs the command in a frame and answers it. Never rejects. */
  const handle = async (ws: Transport, frame: string | Uint8Array, isTooMany: boolean): Promise<void> => {
    try {
      if (person === null) throw new Failure("read_only");
      if (isTooMany) throw new Failure("conversation_busy");
      const command = parseCommand(frame);
      await execute(command, { person: person(), conversation, request: `${request}.${++commands}` }, deps);
      ws.send(deps.withBasePath(answerTo(command, conversation, view)));
    } catch (error) {
      const failure = deps.refuse(error);
      // not through the outbox: a skipped notice would not be repeated by a snapshot
      ws.send(deps.withBasePath(noticeFrame(failure.report, conversation, view)));
    }
  };
  return {
    kind: person === null ? "reader" : "page",
    open(ws: Transport): void {
      watcher = deps.hub.join(
        { conversation, view, person: person?.().id ?? null, through },
        {
          // a frame is rendered once for all readers, so the links of one are put in here
          send: (frame) =>
            ws.send(deps.withBasePath(sourcePath === null ? frame : linkedTo(sourcePath, frame))),
          close: (code, reason) => ws.close(code, reason),
        },
      );
    },
    async message(ws: Transport, frame: string | Uint8Array): Promise<void> {
      pending++;
      const isTooMany = pending > deps.commandsMax;
      // one after another, so that questions are stored in the order in which they were sent
      queue = queue.then(() => handle(ws, frame, isTooMany));
      await queue;
      pending--;
    },
    drain(): void {
      watcher?.outbox.drain();
    },
    /** Closes the socket of a person who may no longer use it. */
    onAccessLost(ws: Transport): void {
      ws.send(deps.withBasePath(accessLostFrame(person === null ? "not_found" : "not_signed_in", view)));
      ws.close(policyViolation, "not signed in");
    },
    close(): void {
      watcher?.leave();
      deps.onClose?.();
    },
  };
}

/** The frame that tells the sender that a Command succeeded. */
function answerTo(command: Command, conversation: ConversationId, view: View): string {
  if (command.type === "remove") return removedFrame(command.conversation, view);
  if (command.type === "prune") return prunedFrame(conversation, command.message, view);
  if (command.type === "settle") return doneFrame() + settingsSavedFrame(view);
  return doneFrame("conversation" in command ? command.conversation : undefined);
}
