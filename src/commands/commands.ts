// The commands that use the Store: people, conversations, documents, copies, checks. Each also works while a
// parlor serves from it.

import { CommandError } from "../config/arguments.ts";
import type { Bounds } from "../config/bounds.ts";
import { withoutSecrets } from "../domain/upstream.ts";
import { setAsideCopies } from "../store/file.ts";
import { exportAll, importFile } from "./conversations.ts";
import { backupHouse, checkHouse } from "./copies.ts";
import { documentCommand } from "./documents.ts";
import { erase, isUserAct, listPeople, user, userUsage } from "./people.ts";
import { type Place, withCopy, withStore } from "./place.ts";

/** How each command is written, for messages about missing or superfluous words. */
const usages: Readonly<Record<string, string>> = {
  user: userUsage,
  erase: "parlor erase NAME",
  backup: "parlor backup FILE",
  check: "parlor check",
  export: "parlor export FILE",
  import: "parlor import FILE",
  doctor: "parlor doctor [options]",
  index: "parlor index FOLDER",
  search: 'parlor search "WORDS"',
  collection: "parlor collection list, parlor collection remove NAME [PERSON]",
  extract: "parlor extract FILE [options]",
};

/** Runs the command of a command line. @throws CommandError, StoreUnusable */
export async function runCommand(words: readonly string[], place: Place, bounds: Bounds): Promise<void> {
  const [name, operand, ...rest] = words;
  const isAlone = rest.length === 0;
  if (name === "user" && operand === "list" && isAlone) return withStore(place, listPeople);
  if (name === "user" && isUserAct(operand)) return withStore(place, (store) => user(store, operand, rest));
  if (name === "erase" && operand !== undefined && isAlone) {
    const copies = place.database === null ? setAsideCopies(place.file) : [];
    return withStore(place, (store) => erase(store, operand, copies));
  }
  if (name === "backup" && operand !== undefined && isAlone) return backupHouse(place, operand);
  if (name === "check" && operand === undefined) return checkHouse(place);
  if (name === "export" && operand !== undefined && isAlone)
    return withCopy(place, (store) => exportAll(store, operand));
  if (name === "import" && operand !== undefined && isAlone)
    return withStore(place, (store) => importFile(store, operand, bounds));
  const onDocuments = documentCommand(words, bounds);
  if (onDocuments) return withStore(place, onDocuments);
  const usage = name === undefined || !Object.hasOwn(usages, name) ? undefined : usages[name];
  if (usage === undefined)
    throw new CommandError(`${withoutSecrets(name ?? "")} is not a command; parlor --help lists them`, 2);
  throw new CommandError(`usage: ${usage}`, 2);
}
