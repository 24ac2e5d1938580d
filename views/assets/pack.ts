// Runs while the code is bundled (a Bun macro): reads the page's files, joins the style sheets and the
// scripts into one file each, and compresses them as far as possible. Two `defer` scripts would race, and
// sometimes leave the socket unopened: therefore one file.

import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { brotliCompressSync, constants, gzipSync } from "node:zlib";

/**
 * An embedded file. `path` has a hash of the content. Bodies are base64, because a macro can't return bytes.
 */
export interface Packed {
  readonly name: string;
  readonly path: string;
  readonly type: string;
  readonly plain: string;
  readonly gzip: string;
  readonly brotli: string;
}

const htmx = join(import.meta.dir, "../../node_modules/htmx.org/dist");

const files = [
  {
    name: "css",
    file: "app.css",
    type: "text/css; charset=utf-8",
    // of two rules with the same weight in one layer, the later file's wins
    from: [
      "tokens.css",
      "base.css",
      "page.css",
      "forms.css",
      "nav.css",
      "list.css",
      "thread.css",
      "acts.css",
      "welcome.css",
      "settings.css",
      "door.css",
      "admin.css",
      "library.css",
      "markdown.css",
      "math.css",
      "code.css",
      "composer.css",
      "files.css",
      "sources.css",
      "media.css",
    ].map((sheet) => join(import.meta.dir, sheet)),
    separator: "\n",
  },
  {
    name: "js",
    file: "app.js",
    type: "text/javascript; charset=utf-8",
    from: [
      join(htmx, "htmx.min.js"),
      join(htmx, "ext/hx-ws.min.js"),
      ...[
        "zone.js",
        "copy.js",
        "drafts.js",
        "streams.js",
        "event-socket.js",
        "transport.js",
        "selection.js",
        "connection.js",
        "composer.js",
        "typed.js",
        "attached.js",
        "kept-files.js",
        "attach.js",
        "dropped.js",
        "edits.js",
        "documents.js",
        "panel.js",
        "reading.js",
        "sources.js",
        "shortcuts.js",
      ].map((script) => join(import.meta.dir, script)),
    ],
    separator: "\n;\n",
  },
  {
    name: "icon",
    file: "icon.svg",
    type: "image/svg+xml",
    from: [join(import.meta.dir, "icon.svg")],
    separator: "",
  },
];

const shrink = new Bun.Transpiler({ loader: "js", minifyWhitespace: true });

/**
 * Our own scripts without comments. Others' scripts without the address of their source map, which is not
 * shipped.
 */
function withoutComments(file: string, text: string): string {
  return file.startsWith(import.meta.dir) && file.endsWith(".js")
    ? shrink.transformSync(text)
    : text.replace(/\n\/\/# sourceMappingURL=.*\s*$/, "\n");
}

/** All files of the page. */
export function pack(): Packed[] {
  return files.map(({ name, file, type, from, separator }) => {
    const content = Buffer.from(
      from.map((each) => withoutComments(each, readFileSync(each, "utf8"))).join(separator),
    );
    const hash = createHash("sha256").update(content).digest("base64url").slice(0, 12);
    const [stem, extension] = file.split(".");
    return {
      name,
      path: `/assets/${stem}.${hash}.${extension}`,
      type,
      plain: content.toString("base64"),
      gzip: gzipSync(content, { level: 9 }).toString("base64"),
      brotli: brotliCompressSync(content, { params: { [constants.BROTLI_PARAM_QUALITY]: 11 } }).toString(
        "base64",
      ),
    };
  });
}
