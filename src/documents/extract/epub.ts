// Text of an EPUB: one page for each document of its spine, which is the order of reading.

import { Failure } from "../../domain/failure.ts";
import { Archive, resolved, statedTitle } from "./archive.ts";
import { attribute, scan } from "./markup.ts";
import { xhtml } from "./web.ts";

/** Ways to scramble fonts, which leave the text readable. */
const fontScrambling = /^http:\/\/(www\.idpf\.org\/2008\/embedding|ns\.adobe\.com\/pdf\/enc#RC)$/;

export function* epub(bytes: Uint8Array, unpackedMaxBytes: number): Generator<string, string | null> {
  const archive = new Archive(bytes, unpackedMaxBytes);
  if (isLocked(archive.text("META-INF/encryption.xml") ?? "")) throw new Failure("file_locked");
  let main: string | null = null;
  scan(archive.needed("META-INF/container.xml"), {
    open(name, attributes) {
      if (name === "rootfile") main ??= attribute(attributes, "full-path");
    },
    close() {},
    text() {},
  });
  const description = archive.needed(main ?? "");
  for (const part of spine(description, /^.*\//.exec(main ?? "")?.[0] ?? ""))
    yield xhtml(archive.text(part) ?? "").toString();
  return statedTitle(description);
}

function isLocked(encryption: string): boolean {
  let locked = false;
  scan(encryption, {
    open(name, attributes) {
      const way = name === "EncryptionMethod" ? attribute(attributes, "Algorithm") : null;
      if (way !== null && !fontScrambling.test(way)) locked = true;
    },
    close() {},
    text() {},
  });
  return locked;
}

/** Names of the documents in the order of reading. */
function spine(description: string, folder: string): string[] {
  const parts = new Map<string, string>();
  const found = new Set<string>();
  scan(description, {
    open(name, attributes) {
      const [id, href, reference] = ["id", "href", "idref"].map((each) => attribute(attributes, each));
      if (name === "item" && id && href) parts.set(id, resolved(decoded(href).replace(/#.*/, ""), folder));
      const part = name === "itemref" ? parts.get(reference ?? "") : undefined;
      if (part !== undefined) found.add(part);
    },
    close() {},
    text() {},
  });
  return [...found];
}

function decoded(href: string): string {
  try {
    return decodeURIComponent(href);
  } catch {
    return href;
  }
}
