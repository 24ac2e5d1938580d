// A conversation as JSON in parlor's own format, with the content of its files behind its messages. It is
// written in pieces, so that no file is in memory as a whole.

import type { FileId } from "../domain/file.ts";
import { type FilePart, filesIn } from "../domain/part.ts";
import type { ConversationRecord } from "../domain/record.ts";

/** Files of one conversation that are written, in bytes; further ones are named alone, and marked. */
const filesMaxBytes = 64 << 20;

/** Bytes that become base64 in one go; a multiple of three, so that the pieces can be joined. */
const base64Bytes = 3 * 64 * 1024;

/**
 * The JSON of a conversation. `space`: see `JSON.stringify`; files follow on lines of their own only where it
 * is given.
 */
export async function* recordJson(
  record: ConversationRecord,
  contentOf: (file: FileId) => AsyncIterable<Uint8Array>,
  space?: number,
): AsyncGenerator<string> {
  const json = JSON.stringify(record, null, space);
  const files = keptFiles(record);
  if (files.length === 0) return yield json;
  const line = space === undefined ? "" : "\n";
  yield `${json.replace(/\s*\}$/, "")},${line}"files":[`;
  let [bytes, comma] = [0, ""];
  for (const { file, name, bytes: size } of files) {
    const head = JSON.stringify({ id: file, name }).slice(0, -1);
    yield `${comma}${line}${head}`;
    comma = ",";
    bytes += size;
    if (bytes > filesMaxBytes) yield `,"leftOut":true}`;
    else {
      yield `,"data":"`;
      yield* base64(contentOf(file));
      yield `"}`;
    }
  }
  yield `]${line}}`;
}

/** The files of all messages, each once. */
function keptFiles(record: ConversationRecord): (FilePart & { file: FileId })[] {
  const parts = record.messages.flatMap((message) => filesIn(message.parts ?? []));
  const kept = parts.flatMap((part) => (part.file === null ? [] : [{ ...part, file: part.file }]));
  return [...new Map(kept.map((part) => [part.file, part])).values()];
}

async function* base64(content: AsyncIterable<Uint8Array>): AsyncGenerator<string> {
  let rest: Uint8Array = new Uint8Array(0);
  for await (const piece of content) {
    const bytes = Buffer.concat([rest, piece]);
    const whole = bytes.length - (bytes.length % base64Bytes);
    if (whole > 0) yield bytes.subarray(0, whole).toString("base64");
    rest = bytes.subarray(whole);
  }
  yield Buffer.from(rest).toString("base64");
}
