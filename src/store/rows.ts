// Rows of the tables, and their translation into domain types.

import { type Conversation, type Message, type Role, withParts } from "../domain/conversation.ts";
import { type Parts, textParts } from "../domain/part.ts";
import type { Settings } from "../domain/persona.ts";
import type { Run, RunStatus } from "../domain/run.ts";
import { failureIn, idsIn, partsIn, samplingIn, statsIn } from "./stored-json.ts";

export interface ConversationRow {
  seq: number;
  id: string;
  owner: string;
  head: string | null;
  title: string;
  pinned: number;
  created_at: number;
  updated_at: number;
  deleted_at: number | null;
  persona: string | null;
  sampling: string;
  model: string | null;
  /** JSON; null for none. */
  documents: string | null;
}

export interface MessageRow {
  seq: number;
  id: string;
  conversation: string;
  parent: string | null;
  role: Role;
  text: string;
  /** JSON; null when the message is its text alone. */
  parts: string | null;
  created_at: number;
}

export interface RunRow {
  seq: number;
  id: string;
  owner: string;
  conversation: string;
  message: string;
  status: RunStatus;
  created_at: number;
  finish: string | null;
  failure: string | null;
  stats: string;
  slot_freed: number;
  without_documents: number;
}

export function toConversation(row: ConversationRow): Conversation {
  const { id, owner, head, title } = row;
  return {
    id,
    owner,
    head,
    title,
    pinned: row.pinned === 1,
    settings: toSettings(row),
    createdAt: row.created_at,
    updatedAt: row.updated_at,
  };
}

export function toSettings({
  persona,
  sampling,
  model,
  documents,
}: Pick<ConversationRow, "persona" | "sampling" | "model" | "documents">): Settings {
  return {
    ...{ persona, sampling: samplingIn(sampling) },
    ...(model !== null && { model }),
    ...(documents !== null && { documents: idsIn(documents) }),
  };
}

/** The column `documents` of a conversation. */
export const documentsColumn = ({ documents = [] }: Pick<Settings, "documents">): string | null =>
  documents.length === 0 ? null : JSON.stringify(documents);

export function toMessage(row: MessageRow): Message {
  const { id, conversation, parent, role } = row;
  return withParts({ id, conversation, parent, role, createdAt: row.created_at }, partsOfRow(row));
}

const partsOfRow = ({ text, parts }: Pick<MessageRow, "text" | "parts">): Parts =>
  parts === null ? textParts(text) : partsIn(parts);

/** The column `parts` of a message. */
export function partsColumn(parts: Parts): string | null {
  const isTextAlone = parts.length === 0 || (parts.length === 1 && parts[0]?.kind === "text");
  return isTextAlone ? null : JSON.stringify(parts);
}

export function toRun(row: RunRow): Run {
  const { id, owner, conversation, message, status, finish } = row;
  const failure = row.failure === null ? null : failureIn(row.failure);
  return {
    id,
    owner,
    conversation,
    message,
    status,
    createdAt: row.created_at,
    finish,
    failure,
    stats: statsIn(row.stats),
    slotFreed: row.slot_freed === 1,
    ...(row.without_documents === 1 && { withoutDocuments: true }),
  };
}
