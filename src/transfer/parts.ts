// Cuts conversations from a file into pieces of a few milliseconds, for the worker that reads and the Store
// that writes.

import { lengthOf } from "../domain/part.ts";
import type { ConversationRecord, ImportPart, MessageRecord } from "../domain/record.ts";
import { type GivenFile, type ReadBounds, readConversations } from "./read.ts";

/**
 * Largest piece: about 15 ms of processor in the Store (measured), most of it for the search index of
 * three-letter parts. A message that is longer makes a piece of its own.
 */
const pieceMaxChars = 16 * 1024;
const pieceMaxMessages = 50;

export function* partsOf(files: readonly GivenFile[], bounds: ReadBounds): Generator<ImportPart> {
  const conversations = readConversations(files, bounds);
  for (let next = conversations.next(); ; next = conversations.next()) {
    if (next.done) return yield { kind: "unread", ...next.value };
    yield* pieces(next.value);
  }
}

function* pieces({ messages, files = [], ...conversation }: ConversationRecord): Generator<ImportPart> {
  yield { kind: "begin", conversation };
  for (const file of files) yield { kind: "file", file };
  let piece: MessageRecord[] = [];
  let chars = 0;
  for (const message of messages) {
    const length = message.parts ? lengthOf(message.parts) : message.text.length;
    if (piece.length > 0 && (chars + length > pieceMaxChars || piece.length >= pieceMaxMessages)) {
      yield { kind: "messages", messages: piece };
      [piece, chars] = [[], 0];
    }
    piece.push(message);
    chars += length;
  }
  if (piece.length > 0) yield { kind: "messages", messages: piece };
  yield { kind: "end" };
}
