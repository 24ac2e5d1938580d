// A frame from the page becomes a Command, or is refused with a reason. htmx sends a form's fields as one JSON object.

import { type ConversationId, isId, type MessageId } from "../domain/conversation.ts";
import { Failure } from "../domain/failure.ts";

/** A parsed wish of the browser. */
export type Command =
  | { readonly type: "say"; readonly message: MessageId; readonly text: string; readonly edits?: MessageId }
  | { readonly type: "retry" | "continue" | "select" | "prune"; readonly message: MessageId }
  | { readonly type: "stop" }
  | { readonly type: "rename"; readonly conversation: ConversationId; readonly title: string }
  | { readonly type: "pin" | "unpin" | "remove" | "restore"; readonly conversation: ConversationId };

/**
 * The Command in a frame.
 * @throws Failure `bad_frame`
 */
export function parseCommand(frame: string | Uint8Array): Command {
  const fields = typeof frame === "string" ? parseObject(frame) : null;
  if (fields === null) throw new Failure("bad_frame");
  const { type, message, text, select, edits, conversation, title } = fields;
  if (type === "stop") return { type };
  if (isId(select)) return { type: "select", message: select };
  if ((type === "retry" || type === "continue" || type === "prune") && isId(message)) return { type, message };
  if ((type === "pin" || type === "unpin" || type === "remove" || type === "restore") && isId(conversation)) return { type, conversation };
  if (type === "rename" && isId(conversation) && typeof title === "string") return { type, conversation, title };
  // a browser sends line ends of a textarea as CR LF
  if (type === "say" && isId(message) && typeof text === "string") return { type, message, text: text.replaceAll("\r\n", "\n"), ...(isId(edits) && { edits }) };
  throw new Failure("bad_frame");
}

function parseObject(frame: string): Record<string, unknown> | null {
  try {
    const value: unknown = JSON.parse(frame);
    return typeof value === "object" && value !== null ? (value as Record<string, unknown>) : null;
  } catch {
    return null;
  }
}
