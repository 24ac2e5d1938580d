// The numbered migrations, embedded in the executable and applied in order. `user_version` is the number of
// applied ones. An existing file is copied before it is changed.

import type { Database } from "bun:sqlite";
import { chmodSync, existsSync } from "node:fs";
import { rewrite, StoreUnusable } from "./file.ts";
import conversations from "./migrations/001_conversations.sql" with { type: "text" };
import settings from "./migrations/002_settings.sql" with { type: "text" };
import people from "./migrations/003_people.sql" with { type: "text" };
import programs from "./migrations/004_programs.sql" with { type: "text" };
import parts from "./migrations/005_parts.sql" with { type: "text" };
import deletedMessages from "./migrations/006_deleted_messages.sql" with { type: "text" };
import streamPlace from "./migrations/007_stream_place.sql" with { type: "text" };
import messageParts from "./migrations/008_message_parts.sql" with { type: "text" };
import files from "./migrations/009_files.sql" with { type: "text" };
import collections from "./migrations/010_collections.sql" with { type: "text" };
import sources from "./migrations/011_sources.sql" with { type: "text" };
import documents from "./migrations/012_documents.sql" with { type: "text" };
import linkSources from "./migrations/013_link_sources.sql" with { type: "text" };
import withoutDocuments from "./migrations/014_without_documents.sql" with { type: "text" };
import filePassages from "./migrations/015_file_passages.sql" with { type: "text" };
import passageMerges from "./migrations/016_passage_merges.sql" with { type: "text" };
import pagePictures from "./migrations/017_page_pictures.sql" with { type: "text" };
import conversationDocuments from "./migrations/018_conversation_documents.sql" with { type: "text" };
import vectors from "./migrations/019_vectors.sql" with { type: "text" };
import stopWish from "./migrations/020_stop_wish.sql" with { type: "text" };

/** In order. A released migration is never changed. */
export const migrations: readonly string[] = [
  conversations,
  settings,
  people,
  programs,
  parts,
  deletedMessages,
  streamPlace,
  messageParts,
  files,
  collections,
  sources,
  documents,
  linkSources,
  withoutDocuments,
  filePassages,
  passageMerges,
  pagePictures,
  conversationDocuments,
  vectors,
  stopWish,
];

/**
 * Brings the database to the newest schema: a new one in one transaction, an older one with each step in a
 * transaction of its own. A file with an older schema is first copied to `FILE.before-N` (N: the new schema).
 * @throws StoreUnusable when the file was made by a newer parlor, or by another program
 */
export function migrate(db: Database, file: string, steps: readonly string[] = migrations): void {
  const { user_version: done } = db.query<{ user_version: number }, []>("pragma user_version").get() ?? {
    user_version: 0,
  };
  const tables = db.query<{ name: string }, []>("select name from sqlite_master where type = 'table'").all();
  if (tables.length > 0 && (done === 0 || !tables.some(({ name }) => name === "conversations")))
    throw new StoreUnusable(`${file} holds what another program keeps; choose another place with --data`);
  if (done > steps.length)
    throw new StoreUnusable(
      `${file} was made by a newer parlor (schema ${done}, this one knows ${steps.length}); use that one`,
    );
  if (done > 0 && done < steps.length && file !== ":memory:") {
    setAside(db, `${file}.before-${steps.length}`);
    rewrite(db, file); // before the steps, so that an interrupted upgrade repeats it
  }
  const apply = (from: number, to: number) =>
    db
      .transaction(() => {
        for (const sql of steps.slice(from, to)) db.run(sql);
        db.run(`pragma user_version = ${to}`);
      })
      .immediate();
  // a new file is written to disk once, which spares the first start about a millisecond per step
  if (done === 0) apply(0, steps.length);
  else for (let next = done; next < steps.length; next++) apply(next, next + 1);
}

/** Makes a copy that only its owner can read. A copy from an interrupted upgrade is kept beside it. */
function setAside(db: Database, name: string): void {
  let copy = name;
  for (let n = 2; existsSync(copy); n++) copy = `${name}.${n}`;
  try {
    db.query("vacuum into ?").run(copy);
    chmodSync(copy, 0o600);
  } catch (error) {
    throw new StoreUnusable(
      `can't set a copy aside as ${copy} before the upgrade: ${(error as Error).message}`,
    );
  }
}
