// Files of conversations become ConversationRecords: parlor's own JSON and JSON Lines, and the exports of
// llama-server's UI (JSON Lines, and the older JSON), ChatGPT, Claude and Open WebUI; one file, several, or a
// ZIP archive. A part that can't be read is named with its line or number, a part that is left out once per
// kind; the rest is imported. Pure: nothing is stored here. Runs in a worker, since a file may take seconds.

import { isJsonObject, type JsonObject } from "../domain/json.ts";
import type { ConversationRecord, LeftOutKind, Unread } from "../domain/record.ts";
import { filesOf, isZip } from "../domain/zip.ts";
import { fromChatGpt } from "./chatgpt.ts";
import { documents } from "./documents.ts";
import { fromClaude, fromLlamaUi, fromOpenWebUi } from "./foreign.ts";
import { type LeaveOut, type LooseConversation, recordOf } from "./loose.ts";

export interface GivenFile {
  readonly name: string;
  readonly bytes: Uint8Array;
}

export interface ReadBounds {
  /** Sum of all files that are unpacked from archives. */
  readonly importUnpackedMaxBytes: number;
  /** A message's text, in UTF-8. */
  readonly importTextMaxBytes: number;
}

/** Faults that are named; of the rest only the number is told. */
const faultsMax = 50;

/** Each conversation in the files; names of files do not matter. */
export function* readConversations(
  files: readonly GivenFile[],
  bounds: ReadBounds,
): Generator<ConversationRecord, Unread> {
  const faults: string[] = [];
  let [faultsCount, recordsCount] = [0, 0];
  const leftOut: Partial<Record<LeftOutKind, number>> = {};
  const report = (fault: string) => ++faultsCount <= faultsMax && faults.push(fault);
  const leaveOut: LeaveOut = (kind) => {
    leftOut[kind] = (leftOut[kind] ?? 0) + 1;
  };
  const unpacked = unpack(files, bounds.importUnpackedMaxBytes, report, leaveOut);
  for (const { name, bytes } of unpacked) {
    const at = unpacked.length > 1 ? `${name}: ` : "";
    for (const { where, value } of sessions(bytes, (where, fault) => report(`${at}${where}: ${fault}`))) {
      try {
        const unread = (fault: string) => report(`${at}${where}: ${fault}`);
        yield recordOf(looseOf(value, leaveOut), {
          unread,
          leaveOut,
          textMaxBytes: bounds.importTextMaxBytes,
        });
        recordsCount++;
      } catch (error) {
        report(`${at}${where}: ${error instanceof Error ? error.message : String(error)}`);
      }
    }
  }
  if (recordsCount === 0 && faultsCount === 0) report("there is no conversation in this file");
  if (faultsCount > faultsMax) faults.push(`and ${faultsCount - faultsMax} more`);
  return { faults, leftOut };
}

/**
 * The files, with archives unpacked. Of an archive only the numbered `conversations.json` files of exports
 * are read, or, where it has none, all JSON files.
 */
function unpack(
  files: readonly GivenFile[],
  maxBytes: number,
  report: (fault: string) => void,
  leaveOut: LeaveOut,
): GivenFile[] {
  let remainingBytes = maxBytes;
  return files.flatMap((file) => {
    if (!isZip(file.bytes)) return [file];
    try {
      const all = filesOf(file.bytes).filter(({ name }) => !name.endsWith("/"));
      const exported = all.filter(({ name }) => /(?:^|\/)conversations[-_]?\d*\.json$/i.test(name));
      const chosen = exported.length > 0 ? exported : all.filter(({ name }) => /\.jsonl?$/i.test(name));
      const isChosen = new Set(chosen);
      for (const each of all)
        if (!isChosen.has(each) && !/\.(?:json|html)$/i.test(each.name)) leaveOut("files");
      if (chosen.length === 0) report(`${file.name}: there is no file of conversations in this ZIP archive`);
      return chosen.flatMap((each) => {
        try {
          const bytes = each.unpack(remainingBytes);
          remainingBytes -= bytes.length;
          return [{ name: each.name, bytes }];
        } catch (error) {
          report(`${each.name}: ${(error as Error).message}`);
          return [];
        }
      });
    } catch (error) {
      report(`${file.name}: ${(error as Error).message}`);
      return [];
    }
  });
}

interface FoundConversation {
  readonly where: string;
  readonly value: unknown;
}

/**
 * The conversations in a file. In exports of llama-server's UI the messages follow their conversation on
 * lines of their own.
 */
function* sessions(
  bytes: Uint8Array,
  report: (where: string, fault: string) => void,
): Generator<FoundConversation> {
  let session: { where: string; value: { conv: JsonObject; messages: unknown[] } } | null = null;
  for (const { where, value, fault } of documents(bytes)) {
    const type = isJsonObject(value) ? value["type"] : undefined;
    if (fault !== undefined) report(where, fault);
    else if (!isJsonObject(value)) report(where, "this is no JSON object");
    else if (type === "session") {
      if (session) yield session;
      session = { where, value: { conv: value, messages: [] } };
    } else if (type === "message" && session) session.value.messages.push(value["message"]);
    else if (type === "message") report(where, "a message before any conversation");
    else yield { where, value };
  }
  if (session) yield session;
}

function looseOf(value: unknown, leaveOut: LeaveOut): LooseConversation {
  if (!isJsonObject(value)) throw new Error("this is no JSON object");
  if (value["parlor"] === 1 || value["parlor"] === 2) return value as unknown as LooseConversation;
  if (isJsonObject(value["conv"]) && Array.isArray(value["messages"]))
    return fromLlamaUi(value["conv"], value["messages"], leaveOut);
  if (isJsonObject(value["mapping"])) return fromChatGpt(value, value["mapping"], leaveOut);
  if (Array.isArray(value["chat_messages"])) return fromClaude(value, value["chat_messages"], leaveOut);
  if (isJsonObject(value["chat"])) return fromOpenWebUi(value, value["chat"], leaveOut);
  if (isJsonObject(value["history"]) && isJsonObject(value["history"]["messages"]))
    return fromOpenWebUi({}, value, leaveOut);
  throw new Error(
    "this is in no form that parlor knows (its own, llama-server's UI, ChatGPT, Claude, Open WebUI)",
  );
}
