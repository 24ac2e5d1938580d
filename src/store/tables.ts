// The tables of one SQLite database besides conversations and Runs.

import type { ConversationId } from "../domain/id.ts";
import { AuditTable } from "./audit.ts";
import type { Changes } from "./changes.ts";
import { CollectionTable } from "./collection-table.ts";
import { clearMessages } from "./deletion.ts";
import { DocumentTable } from "./document-table.ts";
import { FileTable } from "./file-table.ts";
import { SettingTable } from "./house-settings.ts";
import { KeyTable } from "./keys.ts";
import { LinkTable } from "./links.ts";
import type { ConversationList } from "./list.ts";
import { PeopleTable } from "./people.ts";
import type { Queries } from "./queries.ts";
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
  protected readonly clear: (conversation: ConversationId) => void;

  /** Links, usage, settings, audit log and retention are those of `beside`, where there are some. */
  constructor(queries: Queries, changes: Changes, list: ConversationList, beside?: Tables) {
    this.clear = (conversation) => {
      clearMessages(queries, conversation);
      list.delete(conversation);
      queries.now(queries.forgetting.begin("texts"));
    };
    this.files = new FileTable(queries);
    this.collections = new CollectionTable(queries);
    this.documents = new DocumentTable(queries);
    this.people = new PeopleTable(queries, changes, [this.collections, this.files], this.clear);
    this.sessions = new SessionTable(queries, this.people, changes);
    this.keys = new KeyTable(queries, this.people, changes);
    this.links = beside?.links ?? new LinkTable(queries, changes);
    this.usage = beside?.usage ?? new UsageTable(queries);
    this.settings = beside?.settings ?? new SettingTable(queries);
    this.audit = beside?.audit ?? new AuditTable(queries);
    this.sources = new SourceTable(queries);
    this.retention = beside?.retention ?? new RetentionTable(queries, this.people);
  }
}
