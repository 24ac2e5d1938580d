// Who sends a request, as server/gate.ts found out, and what routes read from a request: its person, words,
// conversation and form fields.

import type { Context } from "hono";
import { zoneOf } from "../../views/time.tsx";
import { languageOf, type Words, wordsOf } from "../../views/words.ts";
import type { Client, Identity } from "../auth/auth.ts";
import type { Chat } from "../chat/chat.ts";
import type { Person } from "../domain/account.ts";
import type { Conversation } from "../domain/conversation.ts";
import type { Collection } from "../domain/document.ts";
import { asFailure, Failure } from "../domain/failure.ts";
import { isId } from "../domain/id.ts";
import type { SettingsResolver } from "../persona/effective-settings.ts";

export interface Visitor {
  /** null: nobody is signed in. */
  readonly identity: Identity | null;
  readonly client: Client;
  /** The request's id in logs. */
  readonly request: string;
  /** The base path, for addresses that people copy; empty at the root. */
  readonly base: string;
}

export type Env = { Bindings: Visitor; Variables: { grows?: boolean } };

/** The person who is signed in. @throws Failure `not_signed_in` */
export function personOf(c: Context<Env>): Person {
  if (!c.env.identity) throw new Failure("not_signed_in");
  return c.env.identity.person;
}

/** The page's words in the reader's language, with times in the reader's zone. */
export function wordsFor(c: Context<Env>): Words {
  return wordsOf(languageOf(c.req.header("accept-language") ?? null), readersZone(c.req.raw.headers));
}

/**
 * The time zone that the page's script stored in a cookie (views/assets/zone.js); null without that cookie.
 */
export function readersZone(headers: Headers): string | null {
  return zoneOf(new Bun.CookieMap(headers.get("cookie") ?? "").get("parlor.zone"));
}

/** The conversation that a path names as `:id`. @throws Failure `not_found`, `not_signed_in` */
export async function conversationOf(c: Context<Env>, chat: Chat): Promise<Conversation> {
  const id = c.req.param("id");
  const found = isId(id) ? await chat.enter(personOf(c), id) : null;
  if (!found) throw new Failure("not_found");
  return found;
}

/**
 * Settings of a conversation that begins now: of the persona in the address, or of the default one; with the
 * collections in the address, of which `collections` are those that the person can search.
 */
export async function firstSettings(
  c: Context<Env>,
  settings: SettingsResolver,
  collections: readonly Pick<Collection, "id">[],
) {
  const wished = c.req.queries("documents") ?? [];
  const documents = collections.map(({ id }) => id).filter((id) => wished.includes(id));
  const first = await settings.first(c.req.query("persona") ?? null);
  return settings.of({ ...first, ...(documents.length > 0 && { documents }) });
}

/** A form's fields as text; a file counts as empty text. @throws Failure `bad_request` */
export async function fieldsOf(c: Context<Env>): Promise<Readonly<Record<string, string>>> {
  const body = await c.req.parseBody().catch((error) => {
    throw error instanceof Failure ? error : new Failure("bad_request", { detail: "form" });
  });
  const fields = Object.entries(body).map(([name, value]) => [name, typeof value === "string" ? value : ""]);
  return Object.fromEntries(fields) as Record<string, string>;
}

/** The same for forms in which a name may occur several times: it has all its values then. */
export async function allFieldsOf(c: Context<Env>): Promise<Readonly<Record<string, string | string[]>>> {
  const form = await c.req.formData().catch(() => {
    throw new Failure("bad_request", { detail: "form" });
  });
  const entries = [...new Set(form.keys())].map((name) => {
    const values = form.getAll(name).map((value) => (typeof value === "string" ? value : ""));
    return [name, values.length === 1 ? (values[0] as string) : values] as const;
  });
  return Object.fromEntries(entries);
}

/**
 * parlor's own address as the browser knows it, with the base path: a trusted proxy may speak TLS in front of
 * it.
 */
export function originOf(c: Context<Env>): string {
  return `${c.env.client.isSecure ? "https" : "http"}://${c.env.client.hosts[0]}${c.env.base}`;
}

/** The path to return to after signing in; "/" for anything that could lead to another site. */
export function localPath(to: string | undefined): string {
  return to !== undefined && /^\/(?![/\\])[^\s\\]*$/.test(to) ? to : "/";
}

/** An HTML page. */
export const html = (body: unknown): string => `<!doctype html>${String(body)}`;

/** Status of a page that shows what is wrong with the form that was sent (RFC 9110 §15.5.21). */
export const unprocessable = 422;

/** The failure that a page shows above its form again. A bug is thrown again. */
export function shownFailure(error: unknown): Failure {
  const failure = asFailure(error);
  if (failure.code === "internal") throw error;
  return failure;
}
