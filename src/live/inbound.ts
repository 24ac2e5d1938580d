// Parses a frame from the page into a Command. htmx sends a form's fields as one JSON object.

import { type Command, commandOf } from "../chat/command.ts";
import { Failure } from "../domain/failure.ts";

/**
 * The Command in a frame.
 * @throws Failure `bad_frame`
 */
export function parseCommand(frame: string | Uint8Array): Command {
  const fields = typeof frame === "string" ? parseObject(frame) : null;
  if (fields === null) throw new Failure("bad_frame");
  return commandOf(fields);
}

function parseObject(frame: string): Record<string, unknown> | null {
  try {
    const value: unknown = JSON.parse(frame);
    return typeof value === "object" && value !== null ? (value as Record<string, unknown>) : null;
  } catch {
    return null;
  }
}
