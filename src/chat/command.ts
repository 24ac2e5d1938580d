// The commands of a page: parsed from a form's fields, then executed.

import type { Person } from "../domain/account.ts";
import { Failure } from "../domain/failure.ts";
import type { FileId } from "../domain/file.ts";
import { type ConversationId, isId, type MessageId } from "../domain/id.ts";
import type { Settings } from "../domain/persona.ts";
import type { Chat } from "./chat.ts";
import type { ConversationActions } from "./conversation-actions.ts";
import { isChosen, settingsIn } from "./settings-fields.ts";
import type { Threads } from "./threads.ts";

/** A parsed command of the browser. */
export type Command =
  | {
      readonly type: "say";
      readonly message: MessageId;
      readonly text: string;
      readonly edits?: MessageId;
      readonly files?: readonly FileId[];
      readonly settings?: Settings;
    }
  | { readonly type: "settle"; readonly settings: Settings }
  | { readonly type: "retry"; readonly message: MessageId; readonly withoutDocuments?: true }
  | { readonly type: "continue" | "select" | "prune" | "unprune"; readonly message: MessageId }
  | { readonly type: "stop" }
  | { readonly type: "rename"; readonly conversation: ConversationId; readonly title: string }
  | { readonly type: "pin" | "unpin" | "remove" | "restore"; readonly conversation: ConversationId };

/**
 * Parses a form's fields.
 * @throws Failure `bad_frame`
 */
export function commandOf(fields: Readonly<Record<string, unknown>>): Command {
  const { type, message, select, edits, conversation, title, starter } = fields;
  // a starter button sends its own question, whatever is in the text field
  const text = starter ?? fields["text"];
  if (type === "stop") return { type };
  if (isId(select)) return { type: "select", message: select };
  if (type === "retry" && isId(message))
    return { type, message, ...(fields["documents"] === "off" && { withoutDocuments: true }) };
  if ((type === "continue" || type === "prune" || type === "unprune") && isId(message))
    return { type, message };
  if ((type === "pin" || type === "unpin" || type === "remove" || type === "restore") && isId(conversation))
    return { type, conversation };
  if (type === "rename" && isId(conversation) && typeof title === "string")
    return { type, conversation, title };
  const settings = settingsIn(fields);
  if (type === "settle") return { type, settings };
  if (type === "say" && isId(message) && typeof text === "string") {
    const files = [fields["file"]].flat().filter(isId);
    // browsers send line ends of a textarea as CR LF
    return {
      type,
      message,
      text: text.replaceAll("\r\n", "\n"),
      ...(isId(edits) && { edits }),
      ...(files.length > 0 && { files }),
      ...(isChosen(settings) && { settings }),
    };
  }
  throw new Failure("bad_frame");
}

/** Who sent a command, in which conversation, and its id in logs. */
interface Sender {
  readonly person: Person;
  readonly conversation: ConversationId;
  readonly request: string;
}

/**
 * Executes a command, if the conversation belongs to the sender.
 * @throws Failure as Chat, Threads and ConversationActions; `not_found` for another person's conversation
 */
export async function execute(
  command: Command,
  { person, conversation, request }: Sender,
  { chat, threads, actions }: { chat: Chat; threads: Threads; actions: ConversationActions },
): Promise<void> {
  await chat.enter(person, conversation);
  if ("conversation" in command) await chat.enter(person, command.conversation);
  switch (command.type) {
    case "say":
      await chat.say(person, { ...command, conversation, request });
      return;
    case "retry":
      return chat.retry(person, { ...command, conversation, request });
    case "continue":
      return chat.continue(person, { ...command, conversation, request });
    case "select":
    case "prune":
    case "unprune":
      return threads[command.type](conversation, command.message);
    case "settle":
      return threads.settle(conversation, command.settings);
    case "stop":
      return chat.stop(conversation);
    case "rename":
      return actions.rename(person.id, command.conversation, command.title);
    case "pin":
    case "unpin":
      return actions.pin(person.id, command.conversation, command.type === "pin");
    case "remove":
    case "restore":
      return actions[command.type](person.id, command.conversation);
  }
}
