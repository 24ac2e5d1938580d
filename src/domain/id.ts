// Ids: what the things of the domain are known by, and how new ones are made. No imports, so that nothing
// here needs anything else.

export type ConversationId = string;
export type MessageId = string;
export type RunId = string;
export type PersonId = string;
/** The name of a persona's file, without its ending. */
export type PersonaId = string;

/** 128 random bits in 22 characters that are safe in addresses and in element ids. */
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

/** True for what `newId` could have made: anything else from outside is refused before it is looked up. */
export function isId(value: unknown): value is string {
  return typeof value === "string" && /^[A-Za-z0-9_-]{16,64}$/.test(value);
}
