// Commands about people: list them, make accounts, passwords and roles, remove and erase somebody.

import { Passwords } from "../auth/password.ts";
import { CommandError } from "../config/arguments.ts";
import { isPersonRole, type Person, personName, personRoles } from "../domain/account.ts";
import { Failure } from "../domain/failure.ts";
import type { PersonId } from "../domain/id.ts";
import type { Store } from "../store/store.ts";
import { say } from "./output.ts";
import { readPassword } from "./password-prompt.ts";

export const userUsage =
  "parlor user list, parlor user add NAME [ROLE], parlor user passwd NAME, parlor user role NAME ROLE, " +
  "parlor user remove NAME";

/** `parlor user list` */
export async function listPeople(store: Store): Promise<void> {
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
export const isUserAct = (word: string | undefined): word is (typeof userActs)[number] =>
  userActs.some((act) => act === word);

/** `parlor user add|passwd|remove|role …` */
export async function user(
  store: Store,
  act: (typeof userActs)[number],
  [name, role, ...rest]: readonly string[],
): Promise<void> {
  if (rest.length > 0) throw new CommandError(`usage: ${userUsage}`, 2);
  const { people, audit } = store;
  if (name === undefined) throw new CommandError(`usage: ${userUsage}`, 2);
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
  throw new CommandError(`usage: ${userUsage}`, 2);
}

const unknownRole = (role: string): CommandError =>
  new CommandError(`${role} is no role; there are ${personRoles.join(", ")}`, 2);

async function found(store: Store, name: string): Promise<Person> {
  const person = await store.people.named(name);
  if (!person)
    throw new CommandError(`there is nobody called ${name}; parlor user list says who there is`, 1);
  return person;
}

export async function erase(store: Store, name: string, copies: readonly string[]): Promise<void> {
  const person = await found(store, name);
  await store.people.erase(person.id);
  await store.audit.note({ actor: null, act: "person_erased", subject: person.id });
  say(`${person.name} and everything of theirs is deleted`);
  if (copies.length > 0)
    say(
      "what was set aside before an upgrade still holds it; delete it when that upgrade has proved " +
        `itself: ${copies.join(", ")}`,
    );
}
