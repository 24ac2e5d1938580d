// Links that let anybody read one conversation, in SQLite.

import type { Link } from "../domain/account.ts";
import type { ConversationId } from "../domain/id.ts";
import type { Links } from "./accounts.ts";
import type { Changes } from "./changes.ts";
import type { Queries } from "./queries.ts";

interface LinkRow {
  token: string;
  conversation: string;
  created_at: number;
  expires_at: number | null;
  sources: number;
}

export class LinkTable implements Links {
  readonly #q: Queries;
  readonly #changes: Changes;

  constructor(queries: Queries, changes: Changes) {
    this.#q = queries;
    this.#changes = changes;
  }

  async add({ token, conversation, createdAt, expiresAt, showsSources = false }: Link): Promise<void> {
    this.#q.run(
      "insert into links (token, conversation, created_at, expires_at, sources) values (?, ?, ?, ?, ?)",
      token,
      conversation,
      createdAt,
      expiresAt,
      showsSources ? 1 : 0,
    );
  }

  async find(token: string): Promise<Link | null> {
    const row = this.#q.one<LinkRow>(
      `select l.* from links l join conversations c on c.id = l.conversation
       where token = ? and c.deleted_at is null and coalesce(expires_at, ?2) >= ?2`,
      token,
      Date.now(),
    );
    return row && toLink(row);
  }

  async of(conversation: ConversationId): Promise<readonly Link[]> {
    const rows = this.#q.all<LinkRow>(
      `select * from links where conversation = ? and coalesce(expires_at, ?2) >= ?2
       order by created_at desc`,
      conversation,
      Date.now(),
    );
    return rows.map(toLink);
  }

  async remove(conversation: ConversationId, token: string): Promise<boolean> {
    const sql = "delete from links where conversation = ? and token = ?";
    const removed = this.#q.run(sql, conversation, token) > 0;
    this.#changes.tell();
    return removed;
  }
}

function toLink({ token, conversation, created_at, expires_at, sources }: LinkRow): Link {
  const link = { token, conversation, createdAt: created_at, expiresAt: expires_at };
  return sources === 1 ? { ...link, showsSources: true } : link;
}
