// What a program asks: a text, and what it names beside it, such as collections that the answer comes from,
// or files that were sent before. Read from loose input.

import { type Identity, needScope } from "../auth/auth.ts";
import { Failure } from "../domain/failure.ts";
import type { FileId } from "../domain/file.ts";
import { type ConversationId, isId, isTemporary, newId } from "../domain/id.ts";
import { isJsonObject, isString, parseJson } from "../domain/json.ts";

/** An absent field was not named. */
interface NamedDocuments {
  /** Ids or names. */
  readonly collections?: readonly string[];
  readonly files?: readonly FileId[];
}

/** The request of /ask: a plain body is the text alone, a JSON body has the other fields as well. */
export interface Question extends NamedDocuments {
  readonly text: string;
  readonly persona: string | null;
  /** Null when the conversation is not stored. */
  readonly conversation: ConversationId | null;
  /** The conversation does not exist yet. */
  readonly isNew: boolean;
}

/** Fields that may name documents; none is checked yet. */
interface DocumentFields {
  readonly collections?: unknown;
  readonly files?: unknown;
}

/** @throws Failure `key_scope`, `bad_request`, `not_found` for what is no id of a file */
export function documentsIn(fields: DocumentFields, identity: Identity): NamedDocuments {
  const [collections, files] = [textsIn(fields, "collections"), textsIn(fields, "files")];
  if (collections || files) needScope(identity, "documents");
  if (files?.some((file) => !isId(file))) throw new Failure("not_found");
  return { ...(collections && { collections }), ...(files && { files }) };
}

/** The collections that an address names as `?collection=`, any number of times. @throws Failure `key_scope` */
export function collectionsAt({ url }: Request, identity: Identity): NamedDocuments {
  const collections = new URL(url).searchParams.getAll("collection");
  return collections.length > 0 ? documentsIn({ collections }, identity) : {};
}

/** Reads the body of a request of /ask. @throws Failure `bad_request`, `not_found`, `key_scope` */
export function questionIn(body: string, headers: Headers, identity: Identity): Question {
  if (!headers.get("content-type")?.startsWith("application/json"))
    return { text: body, persona: null, conversation: null, isNew: true };
  const fields = parseJson(body);
  if (!isJsonObject(fields)) throw new Failure("bad_request", { detail: "JSON" });
  const { text, persona, conversation, keep } = fields;
  if (!isString(text)) throw new Failure("bad_request", { detail: "text" });
  if (conversation !== undefined && (!isId(conversation) || isTemporary(conversation)))
    throw new Failure("not_found");
  const where = isId(conversation)
    ? { conversation, isNew: false }
    : { conversation: keep === true ? newId() : null, isNew: true };
  return {
    ...{ text, persona: isString(persona) && persona !== "" ? persona : null },
    ...where,
    ...documentsIn(fields, identity),
  };
}

function textsIn(fields: DocumentFields, name: keyof DocumentFields): readonly string[] | undefined {
  const value = fields[name];
  if (value === undefined) return undefined;
  if (!Array.isArray(value) || !value.every(isString)) throw new Failure("bad_request", { detail: name });
  return value;
}
