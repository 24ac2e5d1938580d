// Types of ids, and how new ids are made. Imports nothing.

export type ConversationId = string;
export type MessageId = string;
export type RunId = string;
export type PersonId = string;
export type CollectionId = string;
export type DocumentId = string;
/** The name of a persona's file, without the extension. */
export type PersonaId = string;

/** A new id: 128 random bits in 22 characters that are safe in URLs and element ids. */
export function newId(): string {
  return Buffer.from(crypto.getRandomValues(new Uint8Array(16))).toString("base64url");
}

const temporaryPrefix = "temporary-";

/** An id for a conversation that is never written to disk. */
export function newTemporaryId(): ConversationId {
  return temporaryPrefix + newId();
}

export function isTemporary(conversation: ConversationId): boolean {
  return conversation.startsWith(temporaryPrefix);
}

/** True for a text of the form that `newId` makes. Other texts are refused before any look-up. */
export function isId(value: unknown): value is string {
  return typeof value === "string" && /^[A-Za-z0-9_-]{16,64}$/.test(value);
}
