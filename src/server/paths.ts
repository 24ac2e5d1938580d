// The addresses beside the pages, and the path of a request below the base path.

import { pathInside, urlOf } from "../http/base.ts";
import { isApiPath, withoutExtraSlashes } from "../programs/routes.ts";

/**
 * Frames of a page as server-sent events, and what such a page sends: for proxies that let no WebSocket
 * through.
 */
export const eventsPath = "/live/events";
export const sayPath = "/live/say";

/**
 * How long an idle connection is kept after its last request, in seconds. Longer than balancers and proxies
 * keep theirs (nginx, AWS and others: 60), which would otherwise send a request into a connection that is
 * being closed. Bun closes a connection that never brought a request after about 10 s.
 */
export const keepAliveSeconds = 75;

/**
 * The same while files are read that somebody has sent, in seconds: nothing is answered meanwhile. Bun allows
 * 255.
 */
export const readingSeconds = 240;

/** Addresses that take files. */
export const bringsFiles = (pathname: string): boolean =>
  /^\/(files|(c|documents)\/[^/]+|collections\/[^/]+\/documents)$/.test(pathname);

/** Addresses that pages and programs use alike: files, and collections of documents. */
export const isSharedPath = (pathname: string): boolean => /^\/(files|collections)(\/|$)/.test(pathname);

/** Addresses that programs use, with or without a key. */
export const isProgramPath = (pathname: string): boolean =>
  pathname === "/chat" || pathname === "/ask" || isApiPath(pathname);

/** Addresses of WebSockets. */
export const isSocketPath = (pathname: string): boolean => pathname === "/live" || pathname === "/chat";

/** The path of a request below `basePath`: see http/base. */
export function pathOf(request: Request, basePath: string): string {
  const { pathname } = urlOf(request);
  // With the base path /chat, the address /chat is the page. It is the socket if a proxy has removed the base
  // path.
  if (isSocketPath(pathname) && request.headers.get("upgrade")?.toLowerCase() === "websocket")
    return pathname;
  // programs are often given a base address that ends with a slash, and then send two in a row
  const joined = pathInside(withoutExtraSlashes(pathname), basePath);
  return isProgramPath(joined) ? joined : pathInside(pathname, basePath);
}
