// The tables of one database besides conversations and Runs.

import type { ConversationId } from "../domain/id.ts";
import { AuditTable } from "./audit.ts";
import { CollectionTable } from "./collection-table.ts";
import type { Database, Work } from "./database.ts";
import { clearMessages } from "./deletion.ts";
import { DocumentTable } from "./document-table.ts";
import { FileTable } from "./file-table.ts";
import { SettingTable } from "./house-settings.ts";
import { KeyTable } from "./keys.ts";
import { LinkTable } from "./links.ts";
import type { ConversationList } from "./list.ts";
import { PeopleTable } from "./people.ts";
import { RetentionTable } from "./retention.ts";
import { SessionTable } from "./sessions.ts";
import { SourceTable } from "./source-table.ts";
import { UsageTable } from "./usage.ts";

export class Tables {
  readonly files: FileTable;
  readonly people: PeopleTable;
  readonly sessions: SessionTable;
  readonly keys: KeyTable;
  readonly links: LinkTable;
  readonly usage: UsageTable;
  readonly settings: SettingTable;
  readonly audit: AuditTable;
  readonly retention: RetentionTable;
  readonly collections: CollectionTable;
  readonly documents: DocumentTable;
  readonly sources: SourceTable;
  /** Deletes a conversation with everything in it. Within a transaction of the caller. */
  protected readonly clear: (conversation: ConversationId) => Work<void>;

  /** Links, usage, settings, audit log and retention are those of `beside`, where there are some. */
  constructor(db: Database, list: ConversationList, beside?: Tables) {
    this.clear = function* (conversation) {
      yield* clearMessages(conversation);
      yield* list.delete(conversation);
      yield* db.forgetting.begin("texts");
    };
    this.files = new FileTable(db);
    this.collections = new CollectionTable(db);
    this.documents = new DocumentTable(db);
    this.people = new PeopleTable(db, [this.collections, this.files], this.clear);
    this.sessions = new SessionTable(db, this.people);
    this.keys = new KeyTable(db, this.people);
    this.links = beside?.links ?? new LinkTable(db);
    this.usage = beside?.usage ?? new UsageTable(db);
    this.settings = beside?.settings ?? new SettingTable(db);
    this.audit = beside?.audit ?? new AuditTable(db);
    this.sources = new SourceTable(db);
    this.retention = beside?.retention ?? new RetentionTable(db, this.people);
  }
}
