// A frame from the page becomes a Command, or is refused with a reason. htmx sends a form's fields as one JSON object.

import { type ConversationId, isId, type MessageId } from "../domain/conversation.ts";
import { Failure } from "../domain/failure.ts";
import { type Sampling, type Settings, samplingBounds } from "../domain/persona.ts";

/** A parsed wish of the browser. */
export type Command =
  | { readonly type: "say"; readonly message: MessageId; readonly text: string; readonly edits?: MessageId; readonly settings?: Settings }
  | { readonly type: "settle"; readonly settings: Settings }
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
  const { type, message, select, edits, conversation, title, starter } = fields;
  const text = starter ?? fields["text"]; // a question that is offered goes with the form, whatever stands in its field
  if (type === "stop") return { type };
  if (isId(select)) return { type: "select", message: select };
  if ((type === "retry" || type === "continue" || type === "prune") && isId(message)) return { type, message };
  if ((type === "pin" || type === "unpin" || type === "remove" || type === "restore") && isId(conversation)) return { type, conversation };
  if (type === "rename" && isId(conversation) && typeof title === "string") return { type, conversation, title };
  const settings = settingsOf(fields);
  if (type === "settle") return { type, settings };
  if (type === "say" && isId(message) && typeof text === "string") {
    const isChosen = settings.persona !== null || Object.keys(settings.sampling).length > 0;
    // a browser sends line ends of a textarea as CR LF
    return { type, message, text: text.replaceAll("\r\n", "\n"), ...(isId(edits) && { edits }), ...(isChosen && { settings }) };
  }
  throw new Failure("bad_frame");
}

/** A form's fields of settings: what is empty is not chosen; what is no number is left for Chat to refuse. */
function settingsOf({ persona, ...fields }: Record<string, unknown>): Settings {
  const names = Object.keys(samplingBounds) as (keyof Sampling)[];
  const chosen = names.flatMap((name) => {
    const value = fields[name];
    return typeof value === "string" && value.trim() !== "" ? [[name, Number(value.replace(",", "."))]] : [];
  });
  return { persona: typeof persona === "string" && persona !== "" ? persona : null, sampling: Object.fromEntries(chosen) as Sampling };
}

function parseObject(frame: string): Record<string, unknown> | null {
  try {
    const value: unknown = JSON.parse(frame);
    return typeof value === "object" && value !== null ? (value as Record<string, unknown>) : null;
  } catch {
    return null;
  }
}
