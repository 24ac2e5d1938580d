// The embedded files, served from memory in the forms that were compressed at build time. A file's address
// changes with its content, so a browser may keep it for ever.

import { Hono } from "hono";
import { pack } from "../../views/assets/pack.ts" with { type: "macro" };
import { Failure } from "../domain/failure.ts";
import type { Env } from "./visitor.ts";

const packed = pack();

interface Asset {
  readonly type: string;
  readonly bodies: Readonly<Record<"br" | "gzip" | "identity", Uint8Array<ArrayBuffer>>>;
}

const bytes = (base64: string): Uint8Array<ArrayBuffer> => Uint8Array.from(Buffer.from(base64, "base64"));

const assets = new Map<string, Asset>(
  packed.map(({ path, type, plain, gzip, brotli }) => [
    path,
    { type, bodies: { identity: bytes(plain), gzip: bytes(gzip), br: bytes(brotli) } },
  ]),
);

/** Addresses of the files, by name. */
export const assetPaths = Object.fromEntries(packed.map(({ name, path }) => [name, path])) as {
  readonly css: string;
  readonly js: string;
  readonly icon: string;
};

export function assetRoutes(): Hono<Env> {
  const app = new Hono<Env>();
  app.get("/assets/*", (c) => {
    const found = asset(c.req.path, c.req.header("accept-encoding") ?? null);
    if (!found) throw new Failure("not_found");
    return found;
  });
  app.get("/favicon.ico", (c) => c.redirect(assetPaths.icon, 302));
  return app;
}

/** The file at `path` in the smallest form that `Accept-Encoding` allows; null when there is none. */
function asset(path: string, acceptEncoding: string | null): Response | null {
  const found = assets.get(path);
  if (!found) return null;
  const encoding = (["br", "gzip"] as const).find((name) => accepts(acceptEncoding, name)) ?? "identity";
  const headers = new Headers({
    "content-type": found.type,
    "cache-control": "public, max-age=31536000, immutable",
    vary: "Accept-Encoding",
  });
  if (encoding !== "identity") headers.set("content-encoding", encoding);
  return new Response(found.bodies[encoding], { headers });
}

function accepts(acceptEncoding: string | null, name: string): boolean {
  return (acceptEncoding ?? "").split(",").some((part) => {
    const [coding, q] = part
      .trim()
      .toLowerCase()
      .split(/\s*;\s*q=/);
    return coding === name && (q === undefined || Number(q) > 0);
  });
}
