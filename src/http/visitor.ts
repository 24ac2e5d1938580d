// Whoever a request comes from, as the routes see them: handed in by app, never read from the request again.

import type { Context, MiddlewareHandler } from "hono";
import { zoneOf } from "../../views/time.tsx";
import { languageOf, type Words, wordsOf } from "../../views/words.ts";
import type { Client, Identity } from "../auth/auth.ts";
import type { Person } from "../domain/account.ts";
import type { ReadBody } from "../domain/body.ts";
import { Failure } from "../domain/failure.ts";

export interface Visitor {
  /** null: nobody who is signed in. */
  readonly known: Identity | null;
  readonly client: Client;
  /** What the request is called in logs. */
  readonly request: string;
  /** The path that parlor is below, for addresses that people copy; empty at the root. */
  readonly base: string;
}

export type Env = { Bindings: Visitor; Variables: { grows?: boolean } };

/** Who asks. @throws Failure `not_signed_in` */
export function personOf(c: Context<Env>): Person {
  if (!c.env.known) throw new Failure("not_signed_in");
  return c.env.known.person;
}

export function wordsFor(c: Context<Env>): Words {
  return wordsOf(languageOf(c.req.header("accept-language") ?? null), readersZone(c.req.raw.headers));
}

/** The zone that the page's script has put into a cookie (views/assets/zone.js); null where there is none. */
export function readersZone(headers: Headers): string | null {
  return zoneOf(new Bun.CookieMap(headers.get("cookie") ?? "").get("parlor.zone"));
}

/** Largest form of somebody who is not signed in: a name, a password of 1 kB, a path. */
const strangersFormMaxBytes = 16 * 1024;

interface FormBounds {
  readonly readBody: ReadBody;
  /** Largest form of those who are signed in. */
  readonly formMaxBytes: number;
}

/** A form is bounded by who sends it, and read whole before anything is made of it. Files that are brought in are read by http/transfer, with a bound of their own. */
export function boundForms({ readBody, formMaxBytes }: FormBounds): MiddlewareHandler<Env> {
  return async (c, next) => {
    const { known } = c.env;
    if (c.req.raw.body === null || (known && c.req.path === "/import")) return next();
    const maxBytes = known ? formMaxBytes : strangersFormMaxBytes;
    const { url, method, headers } = c.req.raw;
    const body = await readBody(c.req.raw, { maxBytes, owner: known?.person.id ?? null });
    const plain = new Headers(headers);
    plain.delete("content-encoding");
    plain.set("content-length", String(body.bytes.length));
    c.req.raw = new Request(url, { method, headers: plain, body: body.bytes });
    await next().finally(body.release);
  };
}

/** A form's field as text; empty where there is none. */
export async function fieldsOf(c: Context<Env>): Promise<Readonly<Record<string, string>>> {
  const body = await c.req.parseBody().catch((error) => {
    throw error instanceof Failure ? error : new Failure("bad_request", { detail: "form" });
  });
  const fields = Object.entries(body).map(([name, value]) => [name, typeof value === "string" ? value : ""]);
  return Object.fromEntries(fields) as Record<string, string>;
}

/** Where parlor begins as the browser knows it: a proxy that is listed may speak TLS for us. */
export function originOf(c: Context<Env>): string {
  return `${c.env.client.isSecure ? "https" : "http"}://${c.env.client.hosts[0]}${c.env.base}`;
}

/** A path of ours to go back to, and nothing that leads elsewhere. */
export function localPath(to: string | undefined): string {
  return to !== undefined && /^\/(?![/\\])[^\s\\]*$/.test(to) ? to : "/";
}

/** An HTML page. */
export const html = (body: unknown): string => `<!doctype html>${String(body)}`;
