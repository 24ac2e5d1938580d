// parlor below a path of its own (`--base-path /chat`): requests come with it or, where a proxy has taken it
// off, without; whatever goes out leads below it. Everything inside knows nothing of it.

/** A request's address; without a Host that is one, Bun gives the path alone. */
export function urlOf({ url }: Request): URL {
  return (
    URL.parse(url) ??
    URL.parse(url.replace(/^https?:\/\/[^/]*/, ""), "http://localhost") ??
    new URL("http://localhost")
  );
}

/** The path of a request inside. A proxy may have taken `base` off already. */
export function pathInside(pathname: string, base: string): string {
  if (base === "" || !pathname.startsWith(base)) return pathname;
  const rest = pathname.slice(base.length);
  return rest === "" ? "/" : rest.startsWith("/") ? rest : pathname;
}

/** Attributes of ours that hold an address, and the address of a page that is to be loaded next. Text can't look like one: in it quotes are escaped. */
const addresses =
  /( (?:href|src|action|formaction|hx-get|hx-post|hx-ws:connect|data-copy)="|content="0;url=)\/(?!\/)/g;

/** HTML of ours with addresses below `base`. */
export function htmlBelow(html: string, base: string): string {
  return base === "" || !html.includes('="') ? html : html.replace(addresses, `$1${base}/`);
}

/** An answer whose redirects and cookies hold below `base`. Changes its headers. */
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

/** Makes frames lead below `base`; one that goes to many is made once. */
export function framesBelow(base: string): (frame: string) => string {
  if (base === "") return (frame) => frame;
  let last = { frame: "", below: "" };
  return (frame) => {
    if (frame !== last.frame) last = { frame, below: htmlBelow(frame, base) };
    return last.below;
  };
}
