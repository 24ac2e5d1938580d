// The parts of an office document or an EPUB: a ZIP archive of XML files that refer to each other. All parts
// together may unpack to a bounded size.

import { Failure } from "../../domain/failure.ts";
import { filesOf, type Packed, ZipFault } from "../../domain/zip.ts";
import { decodeText } from "../plain.ts";
import { attribute, scan } from "./markup.ts";

interface Relation {
  readonly type: string;
  /** The part's name in the archive. */
  readonly target: string;
}

export class Archive {
  readonly #files: ReadonlyMap<string, Packed>;
  readonly #limitBytes: number;
  #leftBytes: number;

  /** @throws Failure `file_unreadable` if it is no archive or cut off */
  constructor(bytes: Uint8Array, unpackedMaxBytes: number) {
    this.#files = new Map(faultless(() => filesOf(bytes), unpackedMaxBytes).map((file) => [file.name, file]));
    this.#limitBytes = unpackedMaxBytes;
    this.#leftBytes = unpackedMaxBytes;
  }

  /**
   * A part's text; null when there is no such part. @throws Failure `file_too_large` beyond the bound for all
   * parts, `file_locked`, `file_unreadable`
   */
  text(name: string): string | null {
    const file = this.#files.get(name);
    if (!file) return null;
    const bytes = faultless(() => file.unpack(this.#leftBytes), this.#limitBytes);
    this.#leftBytes -= bytes.length;
    return decodeText(bytes);
  }

  /** Text of a part that must be there. @throws Failure like `text`, `file_unreadable` when it is missing */
  needed(name: string): string {
    const text = this.text(name);
    if (text === null) throw new Failure("file_unreadable");
    return text;
  }

  /** To what a part of an office document refers, by id; "" is the document itself. */
  relations(part: string): Map<string, Relation> {
    const found = new Map<string, Relation>();
    const [, folder = "", base = ""] = /^(.*\/)?(.*)$/.exec(part) ?? [];
    scan(this.text(`${folder}_rels/${base}.rels`) ?? "", {
      open(name, attributes) {
        const [id, type, target] = ["Id", "Type", "Target"].map((each) => attribute(attributes, each));
        if (name === "Relationship" && id && type && target)
          found.set(id, { type, target: resolved(target, folder) });
      },
      close() {},
      text() {},
    });
    return found;
  }

  /** The first part to which `part` refers by a type that ends in `/kind`. */
  related(part: string, kind: string): string | null {
    for (const { type, target } of this.relations(part).values())
      if (type.endsWith(`/${kind}`)) return target;
    return null;
  }
}

/** A part's name from a reference in a part of `folder` (which ends in `/`, or is empty). */
export function resolved(reference: string, folder: string): string {
  const path = reference.startsWith("/") ? reference : `${folder}${reference}`;
  const names: string[] = [];
  for (const name of path.split("/")) {
    if (name === "..") names.pop();
    else if (name !== "" && name !== ".") names.push(name);
  }
  return names.join("/");
}

/** The title that a document states about itself in its core properties or metadata. */
export function statedTitle(xml: string | null): string | null {
  let [title, isTitle] = ["", false];
  scan(xml ?? "", {
    open(name) {
      if (name === "title" && title === "") isTitle = true;
    },
    close() {
      isTitle = false;
    },
    text(text) {
      if (isTitle) title += text;
    },
  });
  return title.trim() || null;
}

function faultless<T>(work: () => T, limitBytes: number): T {
  try {
    return work();
  } catch (error) {
    const kind = error instanceof ZipFault ? error.kind : "damaged";
    if (kind === "large") throw new Failure("file_too_large", { limitBytes });
    throw new Failure(kind === "locked" ? "file_locked" : "file_unreadable");
  }
}
