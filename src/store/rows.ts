// Rows of the tables, and their translation into domain types.

import type { Conversation, Message, Role } from "../domain/conversation.ts";
import type { Settings } from "../domain/persona.ts";
import type { Run, RunStatus } from "../domain/run.ts";
import { failureIn, samplingIn, statsIn } from "./stored-json.ts";

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
}

export interface MessageRow {
  seq: number;
  id: string;
  conversation: string;
  parent: string | null;
  role: Role;
  text: string;
  reasoning: string;
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
}: Pick<ConversationRow, "persona" | "sampling" | "model">): Settings {
  return { persona, sampling: samplingIn(sampling), ...(model !== null && { model }) };
}

export function toMessage(row: MessageRow): Message {
  const { id, conversation, parent, role, text, reasoning } = row;
  return { id, conversation, parent, role, text, reasoning, createdAt: row.created_at };
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
  };
}
