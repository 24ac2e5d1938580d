// Commands: back up, check, export and import conversations, manage accounts, and search documents
// (documents.ts). Each also works while a parlor serves from the same file.

import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { leftOutLine } from "../../views/transfer.tsx";
import { en } from "../../views/words/en.ts";
import { Passwords } from "../auth/password.ts";
import { localBus } from "../bus/local.ts";
import { ConversationActions } from "../chat/conversation-actions.ts";
import { CommandError } from "../config/arguments.ts";
import type { Bounds } from "../config/bounds.ts";
import { isPersonRole, localPerson, type Person, personName, personRoles } from "../domain/account.ts";
import { Failure } from "../domain/failure.ts";
import type { PersonId } from "../domain/id.ts";
import type { ConversationHeader } from "../domain/record.ts";
import { withoutSecrets } from "../domain/upstream.ts";
import { openAttachments } from "../server/attached-files.ts";
import { backup, check, setAsideCopies } from "../store/file.ts";
import { openSqlite } from "../store/sqlite.ts";
import type { Store } from "../store/store.ts";
import { visible } from "../telemetry/log.ts";
import { read } from "../transfer/reading.ts";
import { recordJson } from "../transfer/record-json.ts";
import { documentCommand } from "./documents.ts";
import { readPassword } from "./password-prompt.ts";

const say = (line: string): void => void process.stdout.write(`${visible(line, "\t")}\n`);

/** How each command is written, for messages about missing or superfluous words. */
const usages: Readonly<Record<string, string>> = {
  user:
    "parlor user list, parlor user add NAME [ROLE], parlor user passwd NAME, parlor user role NAME ROLE, " +
    "parlor user remove NAME",
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

/** Runs the command of a command line on the store in `file`. @throws CommandError, StoreUnusable */
export async function runCommand(words: readonly string[], file: string, bounds: Bounds): Promise<void> {
  const [name, operand, ...rest] = words;
  const isAlone = rest.length === 0;
  if (name === "user" && operand === "list" && isAlone) return withStore(file, listPeople);
  if (name === "user" && isUserAct(operand)) return withStore(file, (store) => user(store, operand, rest));
  if (name === "erase" && operand !== undefined && isAlone)
    return withStore(file, (store) => erase(store, operand, file));
  if (name === "backup" && operand !== undefined && isAlone) {
    backup(file, operand);
    return say(`${file} is copied to ${operand}`);
  }
  if (name === "check" && operand === undefined) {
    const faults = check(file);
    if (faults.length > 0) throw new CommandError(`${file} is damaged: ${faults.slice(0, 3).join("; ")}`, 1);
    return say(`${file} is sound`);
  }
  if (name === "export" && operand !== undefined && isAlone) return exportAll(file, operand);
  if (name === "import" && operand !== undefined && isAlone)
    return withStore(file, (store) => importFile(store, operand, bounds));
  const onDocuments = documentCommand(words, bounds);
  if (onDocuments) return withStore(file, onDocuments);
  const usage = name === undefined || !Object.hasOwn(usages, name) ? undefined : usages[name];
  if (usage === undefined)
    throw new CommandError(`${withoutSecrets(name ?? "")} is not a command; parlor --help lists them`, 2);
  throw new CommandError(`usage: ${usage}`, 2);
}

async function withStore(file: string, work: (store: Store) => Promise<void>): Promise<void> {
  let damage = "";
  const damaged = (line: string) => {
    damage = line;
  };
  const store = openSqlite(file, { isShared: true, damaged });
  try {
    await work(store);
  } catch (error) {
    if (damage !== "") throw new CommandError(damage, 1);
    if (!(error instanceof Failure) || error.code === "internal") throw error;
    throw new CommandError(en.failures[error.code](error.facts), 1);
  } finally {
    await store.close();
  }
}

/** `parlor user list` */
async function listPeople(store: Store): Promise<void> {
  for (const person of await store.people.list()) {
    const facts = [
      person.name,
      person.role,
      person.removedAt === null ? "" : "removed",
      person.hasPassword ? "" : "no password",
    ];
    say(
      [
        ...facts.filter((fact) => fact !== ""),
        `${person.conversations} conversations`,
        `${person.usage.tokens} tokens today`,
      ].join("\t"),
    );
  }
}

const userActs = ["add", "passwd", "remove", "role"] as const;
const isUserAct = (word: string | undefined): word is (typeof userActs)[number] =>
  userActs.some((act) => act === word);

/** `parlor user add|passwd|remove|role …` */
async function user(
  store: Store,
  act: (typeof userActs)[number],
  [name, role, ...rest]: readonly string[],
): Promise<void> {
  if (rest.length > 0) throw new CommandError(`usage: ${usages["user"]}`, 2);
  const { people, audit } = store;
  if (name === undefined) throw new CommandError(`usage: ${usages["user"]}`, 2);
  const note = (
    done: "person_added" | "password_changed" | "person_removed" | "role_changed",
    subject: PersonId,
  ) => audit.note({ actor: null, act: done, subject });
  if (act === "add") {
    const wished = personName(name);
    if (wished === null) throw new Failure("bad_name");
    if (role !== undefined && !isPersonRole(role)) throw unknownRole(role);
    const known = await people.named(wished);
    if (known && known.removedAt === null) throw new Failure("name_taken", { name: wished });
    const password = await readPassword();
    const hash = password === null ? null : await new Passwords(store).hash(password);
    const account = { role: role ?? "member", password: hash } as const;
    const person = known
      ? await people.change(known.id, { ...account, removed: false })
      : await people.add({ name: wished, ...account });
    await note("person_added", person.id);
    return say(
      `${wished} is here as ` +
        `${person.role}${hash === null ? ", without a password: parlor user passwd sets one" : ""}`,
    );
  }
  const person = await found(store, name);
  if (act === "passwd" && role === undefined) {
    const password = await readPassword();
    if (password === null) throw new CommandError("the password is read from standard input: one line", 2);
    await new Passwords(store).set(person.id, password);
    await store.sessions.endAll(person.id);
    await note("password_changed", person.id);
    return say(`${person.name} has a new password and is signed out everywhere`);
  }
  if (act === "remove" && role === undefined) {
    await people.change(person.id, { removed: true });
    await note("person_removed", person.id);
    return say(
      `${person.name} may not come in any more; parlor erase ${person.name} deletes what they said, too`,
    );
  }
  if (act === "role" && role !== undefined) {
    if (!isPersonRole(role)) throw unknownRole(role);
    await people.change(person.id, { role });
    await note("role_changed", person.id);
    return say(`${person.name} is ${role} now`);
  }
  throw new CommandError(`usage: ${usages["user"]}`, 2);
}

const unknownRole = (role: string): CommandError =>
  new CommandError(`${role} is no role; there are ${personRoles.join(", ")}`, 2);

async function found(store: Store, name: string): Promise<Person> {
  const person = await store.people.named(name);
  if (!person)
    throw new CommandError(`there is nobody called ${name}; parlor user list says who there is`, 1);
  return person;
}

async function erase(store: Store, name: string, file: string): Promise<void> {
  const person = await found(store, name);
  await store.people.erase(person.id);
  await store.audit.note({ actor: null, act: "person_erased", subject: person.id });
  say(`${person.name} and everything of theirs is deleted`);
  const copies = setAsideCopies(file);
  if (copies.length > 0)
    say(
      "what was set aside before an upgrade still holds it; delete it when that upgrade has proved " +
        `itself: ${copies.join(", ")}`,
    );
}

/** Writes all conversations as JSON Lines. Reads a copy of the file, since a parlor may be using it. */
async function exportAll(file: string, to: string): Promise<void> {
  if (existsSync(to)) throw new CommandError(`${to} is there already; name a file that is not`, 1);
  const folder = mkdtempSync(join(tmpdir(), "parlor-export-"));
  let store: Store | null = null;
  try {
    const copy = join(folder, "parlor.db");
    backup(file, copy);
    store = openSqlite(copy);
    const names = new Map((await store.people.list()).map(({ id, name }) => [id, name]));
    const sink = Bun.file(to).writer();
    const ids = await store.ids();
    for (const id of ids) {
      const owner = names.get((await store.ownerOf(id)) ?? "");
      const record = await store.record(id);
      if (record === null) continue;
      const { files } = store;
      const named = { ...record, ...(owner !== undefined && { owner }) };
      for await (const piece of recordJson(named, (file) => files.content(file))) await sink.write(piece);
      await sink.write("\n");
    }
    await sink.end();
    await store.audit.note({ actor: null, act: "exported" });
    say(`${ids.length} conversations are written to ${to}`);
  } finally {
    await store?.close();
    rmSync(folder, { recursive: true });
  }
}

/**
 * Imports a file of conversations. Each goes to the person with its owner's name, else to the local person.
 * Faults are printed line by line.
 */
async function importFile(store: Store, from: string, { importMs, ...bounds }: Bounds): Promise<void> {
  if (!(await Bun.file(from).exists())) throw new CommandError(`there is no ${from}`, 1);
  const parts = read({ body: await Bun.file(from).bytes(), contentType: null, name: from, bounds }, importMs);
  const ownerOf = async ({ owner }: ConversationHeader) =>
    (await store.people.named(owner ?? ""))?.id ?? localPerson;
  const attachments = openAttachments([store], () => store, bounds);
  const actions = new ConversationActions({ store, bus: localBus(), attachments });
  const { faults, leftOut, ...counts } = await actions.bring(parts, ownerOf);
  await store.audit.note({ actor: null, act: "imported" });
  for (const fault of faults) process.stderr.write(`parlor: ${visible(`${from}: ${fault}`)}\n`);
  if (Object.keys(leftOut).length > 0) process.stderr.write(`parlor: ${from}: ${leftOutLine(leftOut, en)}\n`);
  const line =
    `${counts.added} conversations are brought in, ${counts.known} were here already, ${faults.length} ` +
    "could not be read";
  if (counts.added + counts.known === 0) throw new CommandError(line, 1);
  say(line);
}
