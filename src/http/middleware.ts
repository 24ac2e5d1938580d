// What every request to the pages passes through: headers of the answer, addresses below the base path, the
// refusal of people who are not signed in and of keys that lack a scope, and the bound of a form's body.

import type { MiddlewareHandler } from "hono";
import { needScope } from "../auth/auth.ts";
import type { KeyScope } from "../domain/account.ts";
import type { ReadBody } from "../domain/body.ts";
import { headersBelow, htmlBelow } from "./base.ts";
import { securityHeaders } from "./guard.ts";
import { type Env, personOf } from "./visitor.ts";

/** Paths that are answered without anybody being signed in. */
const openPaths =
  /^\/(assets\/.*|favicon\.ico|healthz|readyz|metrics|login(\/.*)?|logout|invite\/[^/]*|s\/.*)$/;

/** Adds the security headers and the request's id. Moves addresses in headers and HTML below `basePath`. */
export function finishAnswer(basePath: string): MiddlewareHandler<Env> {
  return async (c, next) => {
    await next();
    const own = c.res.headers.get("content-security-policy"); // a route may have a stricter one
    for (const [name, value] of Object.entries(securityHeaders)) c.header(name, value);
    if (own !== null) c.header("content-security-policy", own);
    c.header("x-request-id", c.env.request);
    headersBelow(c.res.headers, basePath);
    // a page that is streamed has its addresses moved piece by piece
    const isHtml = c.res.headers.get("content-type")?.startsWith("text/html") && !c.get("grows");
    if (basePath !== "" && isHtml) c.res = new Response(htmlBelow(await c.res.text(), basePath), c.res);
    if (!c.res.headers.has("cache-control")) c.header("cache-control", "no-store");
  };
}

/** Refuses everybody who is not signed in, except at the open paths. @throws Failure `not_signed_in` */
export const requirePerson: MiddlewareHandler<Env> = async (c, next) => {
  if (!openPaths.test(c.req.path)) personOf(c);
  await next();
};

/** Largest form of somebody who is not signed in, in bytes: a name, a password of 1 kB, a path. */
const strangersFormMaxBytes = 16 * 1024;

/** Refuses programs whose key lacks this scope, before anything of a body is read. @throws Failure `key_scope` */
export function requireScope(scope: KeyScope): MiddlewareHandler<Env> {
  return async (c, next) => {
    if (c.env.identity) needScope(c.env.identity, scope);
    await next();
  };
}

/** Addresses at which a form may bring files: a question, a document. */
const takesFiles = /^\/((c|documents)\/[^/]+|collections\/[^/]+\/documents)$/;

/** Imports, attached files, and a form with files where it is expected. */
const readsItself = (path: string, contentType: string | undefined): boolean =>
  path === "/import" || path === "/files" || (takesFiles.test(path) && hasFiles(contentType));

/** True for a form that may hold files. */
export const hasFiles = (contentType: string | undefined): boolean =>
  contentType?.toLowerCase().startsWith("multipart/form-data") === true;

interface FormBounds {
  readonly readBody: ReadBody;
  /** Largest form of people who are signed in, in bytes. */
  readonly formMaxBytes: number;
}

/**
 * Reads a form completely, within the bound of its sender, before a route runs. Routes that take files read
 * them themselves, within a bound of their own.
 * @throws Failure `too_large`, `body_slow`, `bodies_full`, `unsupported_encoding`
 */
export function boundForms({ readBody, formMaxBytes }: FormBounds): MiddlewareHandler<Env> {
  return async (c, next) => {
    const { identity } = c.env;
    if (c.req.raw.body === null || (identity && readsItself(c.req.path, c.req.header("content-type"))))
      return next();
    const maxBytes = identity ? formMaxBytes : strangersFormMaxBytes;
    const { url, method, headers } = c.req.raw;
    const body = await readBody(c.req.raw, { maxBytes, owner: identity?.person.id ?? null });
    const plain = new Headers(headers);
    plain.delete("content-encoding");
    plain.set("content-length", String(body.bytes.length));
    c.req.raw = new Request(url, { method, headers: plain, body: body.bytes });
    await next().finally(body.release);
  };
}
