// Runs while the code is bundled (a Bun macro): reads the page's files, joins the scripts into one, compresses everything
// as far as it goes. Two `defer` scripts are a race that sometimes leaves the socket unopened, hence one file.

import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { brotliCompressSync, constants, gzipSync } from "node:zlib";

/** An embedded file: its address holds a hash of its content. Bodies are base64, the only binary a macro can hand over. */
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
  { name: "css", file: "app.css", type: "text/css; charset=utf-8", from: [join(import.meta.dir, "app.css")] },
  {
    name: "js",
    file: "app.js",
    type: "text/javascript; charset=utf-8",
    from: [
      join(htmx, "htmx.min.js"),
      join(htmx, "ext/hx-ws.min.js"),
      ...["zone.js", "copy.js", "drafts.js", "transport.js", "selection.js", "app.js"].map((script) =>
        join(import.meta.dir, script),
      ),
    ],
  },
  { name: "icon", file: "icon.svg", type: "image/svg+xml", from: [join(import.meta.dir, "icon.svg")] },
];

const shrink = new Bun.Transpiler({ loader: "js", minifyWhitespace: true });

/** Our own script without its comments; of others' the source map's address is left out, for the map is not shipped. */
function withoutComments(file: string, text: string): string {
  return file.startsWith(import.meta.dir) && file.endsWith(".js")
    ? shrink.transformSync(text)
    : text.replace(/\n\/\/# sourceMappingURL=.*\s*$/, "\n");
}

/** All files of the page. */
export function pack(): Packed[] {
  return files.map(({ name, file, type, from }) => {
    const content = Buffer.from(
      from
        .map((each) => withoutComments(each, readFileSync(each, "utf8")))
        .join("\n;\n".repeat(Number(from.length > 1)) || "\n"),
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
