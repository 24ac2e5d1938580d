// The personas of a folder, one Markdown file each. The files are checked at every use, so that an edit
// counts from the next question on. A file that has not changed is not read again.

import { existsSync, mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { readdir, stat } from "node:fs/promises";
import { join } from "node:path";
import type { PersonaId } from "../domain/id.ts";
import type { Persona } from "../domain/persona.ts";
import type { Log } from "../telemetry/log.ts";
import { PersonaFault, parsePersona, withList } from "./parse.ts";
import type { Personas } from "./persona.ts";
import german from "./shipped/deutsch.md" with { type: "text" };
import helper from "./shipped/helper.md" with { type: "text" };
import products from "./shipped/kaufberater.csv" with { type: "text" };
import adviser from "./shipped/kaufberater.md" with { type: "text" };

/** The personas that come with parlor, by file name. */
const shipped: Readonly<Record<string, string>> = {
  "helper.md": helper,
  "deutsch.md": german,
  "kaufberater.md": adviser,
};

/** The documents that they answer from: collection, file name and text. */
const shippedDocuments = [["kaufberater", "kaufberater.csv", products]] as const;

/** Largest file that is read, in bytes: a prompt of this size exceeds the context of most models. */
const fileMaxBytes = 1 << 20;

/**
 * Creates the folder with the shipped personas, and their collections in the folder `documents`, if it does
 * not exist yet. Of an existing folder, and of a collection that is there, nothing is changed. Returns the
 * names of the collections that were made.
 */
export function makePersonaFolder(folder: string, documents: string, log: Log): readonly string[] {
  try {
    readdirSync(folder);
    return [];
  } catch {
    writeAll(folder, Object.entries(shipped));
  }
  return shippedDocuments.flatMap(([name, file, text]) => {
    const collection = join(documents, name);
    if (existsSync(collection)) return [];
    try {
      writeAll(collection, [[file, text]]);
      return [name];
    } catch (error) {
      // the operator's documents may be a disk that can only be read
      log.warn("a collection can't be made", { folder: collection, why: (error as Error).message });
      return [];
    }
  });
}

function writeAll(folder: string, files: readonly (readonly [name: string, text: string])[]): void {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  for (const [name, text] of files) writeFileSync(join(folder, name), text, { mode: 0o600 });
}

interface Read {
  /** State of each file that the persona was made from, when it was read; null for a missing file. */
  readonly states: Readonly<Record<string, string | null>>;
  readonly persona: Persona | null;
}

export class PersonaFolder implements Personas {
  readonly #folder: string;
  readonly #log: Log;
  readonly #read = new Map<string, Read>();

  constructor(folder: string, log: Log) {
    this.#folder = folder;
    this.#log = log;
  }

  async all(): Promise<readonly Persona[]> {
    const files = await readdir(this.#folder).catch(() => [] as string[]);
    const found = await Promise.all(files.filter(isPersonaFile).map((file) => this.#persona(file)));
    return found.filter((persona) => persona !== null).sort((a, b) => a.name.localeCompare(b.name));
  }

  async find(id: PersonaId): Promise<Persona | null> {
    return isPersonaFile(`${id}.md`) ? this.#persona(`${id}.md`) : null;
  }

  async isBroken(id: PersonaId): Promise<boolean> {
    return (await this.find(id)) === null && this.#read.get(`${id}.md`)?.persona === null;
  }

  /** null if the persona is missing or broken. A broken one is logged once for each state of its files. */
  async #persona(file: string): Promise<Persona | null> {
    const known = this.#read.get(file);
    if (known && (await this.#isAsRead(known))) return known.persona;
    const state = await this.#stateOf(file);
    const made: Read =
      state === null ? { states: {}, persona: null } : await this.#make(file, { [file]: state });
    if (state === null) this.#read.delete(file);
    else this.#read.set(file, made);
    return made.persona;
  }

  async #isAsRead({ states }: Read): Promise<boolean> {
    const same = Object.entries(states).map(async ([file, state]) => (await this.#stateOf(file)) === state);
    return (await Promise.all(same)).every(Boolean);
  }

  async #make(file: string, states: Record<string, string | null>): Promise<Read> {
    try {
      const { persona, list } = parsePersona(file.slice(0, -".md".length), await this.#text(file));
      if (list === null) return { states, persona };
      states[list] = await this.#stateOf(list);
      return { states, persona: withList(persona, await this.#text(list)) };
    } catch (error) {
      if (!(error instanceof PersonaFault)) throw error;
      this.#log.warn("a persona can't be used", { file: join(this.#folder, file), why: error.message });
      return { states, persona: null };
    }
  }

  /** Identifies the state of a file by time, size and inode; null if there is no file. */
  async #stateOf(file: string): Promise<string | null> {
    const found = await stat(join(this.#folder, file)).catch(() => null);
    return found?.isFile() ? `${found.mtimeMs} ${found.size} ${found.ino}` : null;
  }

  /** @throws PersonaFault if the file can't be read, or is too large */
  async #text(name: string): Promise<string> {
    const file = Bun.file(join(this.#folder, name));
    if (file.size > fileMaxBytes) throw new PersonaFault(`${name} has more than ${fileMaxBytes} bytes`);
    try {
      return await file.text();
    } catch (error) {
      throw new PersonaFault(`${name} can't be read: ${(error as Error).message}`);
    }
  }
}

/** True for a valid name of a persona's file. Its stem is the id in addresses and in the store. */
function isPersonaFile(file: string): boolean {
  return /^[\p{L}\p{N}_-]{1,60}\.md$/u.test(file);
}
