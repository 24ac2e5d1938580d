// Commands about documents that are searched: read a folder, search, list and remove collections.

import { statSync } from "node:fs";
import { basename, resolve } from "node:path";
import { en } from "../../views/words/en.ts";
import { CommandError } from "../config/arguments.ts";
import { type IndexBounds, indexFolder } from "../documents/indexing.ts";
import { searchPassages } from "../documents/search.ts";
import { localPerson } from "../domain/account.ts";
import { type Collection, type PassageHit, ranges } from "../domain/document.ts";
import type { Store } from "../store/store.ts";
import { visible } from "../telemetry/log.ts";
import { say } from "./output.ts";

/** Passages that `parlor search` prints at most. */
const hitsMax = 5;

/** What the command of a command line does with the Store; null when it is none about documents. */
export function documentCommand(
  [name, operand, ...rest]: readonly string[],
  bounds: IndexBounds,
): ((store: Store) => Promise<void>) | null {
  if (operand === undefined) return null;
  const [named, ...more] = rest;
  if (name === "index" && named === undefined) return (store) => index(store, operand, bounds);
  if (name === "search") return (store) => search(store, [operand, ...rest].join(" "));
  if (name !== "collection") return null;
  if (operand === "list" && named === undefined) return list;
  if (operand !== "remove" || named === undefined || more.length > 1) return null;
  return (store) => remove(store, named, more[0]);
}

/**
 * `parlor index FOLDER`: reads the folder into the collection of its name. @throws CommandError when there is
 * no such folder, the name is another folder's, or no file could be read
 */
async function index(store: Store, given: string, bounds: IndexBounds): Promise<void> {
  const folder = resolve(given);
  if (!statSync(folder, { throwIfNoEntry: false })?.isDirectory())
    throw new CommandError(`there is no folder ${folder}`, 1);
  const collection = await collectionOf(store, folder);
  const { stored, unchanged, forgotten, skipped, failed } = await indexFolder(collection.id, folder, {
    documents: store.documents,
    bounds,
    failed: (path, { code, facts }) =>
      void process.stderr.write(`parlor: ${visible(`${path}: ${en.failures[code](facts)}`)}\n`),
    lacksText: (path, pages) =>
      void process.stderr.write(
        `parlor: ${visible(`${path}: pages without text, which can't be found: ${ranges(pages)}`)}\n`,
      ),
  });
  const line =
    `${collection.name}: ${stored} documents are read, ${unchanged} were unchanged, ${forgotten} are ` +
    `forgotten, ${skipped} files are of another kind, ${failed} could not be read`;
  if (stored + unchanged === 0 && failed > 0) throw new CommandError(line, 1);
  say(line);
}

async function collectionOf({ collections }: Store, folder: string): Promise<Collection> {
  const name = basename(folder) || folder;
  const known = await collections.find(null, name);
  if (known && known.folder !== folder)
    throw new CommandError(
      `the collection ${name} is read from ${known.folder ?? "no folder"}; give one of the two folders another name, or ` +
        `remove that collection: parlor collection remove ${name}`,
      1,
    );
  return known ?? collections.add(null, name, folder);
}

/** `parlor search WORDS`. @throws CommandError when nothing matches */
async function search({ collections }: Store, question: string): Promise<void> {
  const within = (await collections.reachable(localPerson)).map(({ id }) => id);
  const hits = await searchPassages(collections, question, { collections: within, limit: hitsMax });
  if (hits.length === 0) {
    const hint = within.length === 0 ? "; parlor index FOLDER reads documents" : "";
    throw new CommandError(`no passage matches${hint}`, 1);
  }
  process.stdout.write(visible(hits.map(hitText).join("\n"), "\n\t"));
}

function hitText({ collection, path, page, start, end, headings, text }: PassageHit, i: number): string {
  const lines = [...(headings.length > 0 ? [headings.join(" › ")] : []), ...text.split("\n")];
  return [
    `${i + 1}. ${collection}/${path}, page ${page}, characters ${start}–${end}`,
    ...lines.map((line) => `   ${line}`.trimEnd()),
    "",
  ].join("\n");
}

/** `parlor collection list`: the house's collections, then those of people with the owner's name. */
async function list({ collections, people }: Store): Promise<void> {
  const names = new Map((await people.list()).map(({ id, name }) => [id, name]));
  const all = await collections.all();
  for (const { owner, name, folder, documents, passages } of [
    ...all.filter((each) => each.owner === null),
    ...all.filter((each) => each.owner !== null),
  ]) {
    const source = owner === null ? (folder ?? "of the house") : `of ${names.get(owner) ?? owner}`;
    say([name, source, `${documents} documents`, `${passages} passages`].join("\t"));
  }
}

/**
 * `parlor collection remove NAME [PERSON]`: the house's, or a person's. @throws CommandError when there is
 * none of that name
 */
async function remove({ collections, people }: Store, name: string, of?: string): Promise<void> {
  const person = of === undefined ? null : await people.named(of);
  const found = of !== undefined && !person ? null : await collections.find(person?.id ?? null, name);
  if (!found)
    throw new CommandError(`there is no collection ${name}; parlor collection list says which there are`, 1);
  await collections.remove(found.id);
  const rest = found.folder === null ? "" : `; its folder ${found.folder} is as it was`;
  say(`the collection ${name} is removed${rest}`);
}
