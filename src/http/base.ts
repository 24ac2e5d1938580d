// parlor below a base path (`--base-path /chat`). Requests arrive with it, or without it where a proxy has
// removed it. Addresses in answers get it as a prefix. All other code uses paths without it.

/** A request's address. Without a valid Host header, Bun gives only the path. */
export function urlOf({ url }: Request): URL {
  return (
    URL.parse(url) ??
    URL.parse(url.replace(/^https?:\/\/[^/]*/, ""), "http://localhost") ??
    new URL("http://localhost")
  );
}

/** The path without `base`, which a proxy may have removed already. */
export function pathInside(pathname: string, base: string): string {
  if (base === "" || !pathname.startsWith(base)) return pathname;
  const rest = pathname.slice(base.length);
  return rest === "" ? "/" : rest.startsWith("/") ? rest : pathname;
}

/**
 * Attributes that hold an address, and the address of a refresh. Text never matches, since its quotes are
 * escaped.
 */
const addresses =
  /( (?:href|src|action|formaction|hx-get|hx-post|hx-ws:connect|data-copy)="|content="0;url=)\/(?!\/)/g;

/** Prefixes the addresses in parlor's own HTML with `base`. */
export function htmlBelow(html: string, base: string): string {
  return base === "" || !html.includes('="') ? html : html.replace(addresses, `$1${base}/`);
}

/** Changes headers of an answer so that its redirect and its cookies are below `base`. */
export function headersBelow(headers: Headers, base: string): void {
  if (base === "") return;
  const location = headers.get("location");
  if (location?.startsWith("/")) headers.set("location", base + location);
  const cookies = headers.getSetCookie();
  if (cookies.length === 0) return;
  headers.delete("set-cookie");
  for (const cookie of cookies)
    headers.append(
      "set-cookie",
      cookie.replace(
        /; Path=\/([^;]*)/i,
        (_, rest: string) => `; Path=${base}${rest === "" ? "" : `/${rest}`}`,
      ),
    );
}

/**
 * Prefixes the addresses in frames with `base`. A frame that is sent to many sockets in a row is changed only
 * once.
 */
export function framesBelow(base: string): (frame: string) => string {
  if (base === "") return (frame) => frame;
  let last = { frame: "", below: "" };
  return (frame) => {
    if (frame !== last.frame) last = { frame, below: htmlBelow(frame, base) };
    return last.below;
  };
}
