// `parlor export` and `parlor import`: all conversations to a file, and from one.

import { existsSync } from "node:fs";
import { leftOutLine } from "../../views/transfer.tsx";
import { en } from "../../views/words/en.ts";
import { localBus } from "../bus/local.ts";
import { ConversationActions } from "../chat/conversation-actions.ts";
import { CommandError } from "../config/arguments.ts";
import type { Bounds } from "../config/bounds.ts";
import { localPerson } from "../domain/account.ts";
import type { ConversationHeader } from "../domain/record.ts";
import { openAttachments } from "../server/attached-files.ts";
import type { Store } from "../store/store.ts";
import { visible } from "../telemetry/log.ts";
import { read } from "../transfer/reading.ts";
import { recordJson } from "../transfer/record-json.ts";
import { say } from "./output.ts";

/** Writes all conversations as JSON Lines. */
export async function exportAll(store: Store, to: string): Promise<void> {
  if (existsSync(to)) throw new CommandError(`${to} is there already; name a file that is not`, 1);
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
}

/**
 * Imports a file of conversations. Each goes to the person with its owner's name, else to the local person.
 * Faults are printed line by line.
 */
export async function importFile(store: Store, from: string, { importMs, ...bounds }: Bounds): Promise<void> {
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
