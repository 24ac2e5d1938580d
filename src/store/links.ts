// Links that let anybody read one conversation.

import type { Link } from "../domain/account.ts";
import type { ConversationId } from "../domain/id.ts";
import type { Links } from "./accounts.ts";
import { all, change, changeAndAnnounce, type Database, one } from "./database.ts";

interface LinkRow {
  token: string;
  conversation: string;
  created_at: number;
  expires_at: number | null;
  sources: number;
}

export class LinkTable implements Links {
  readonly #db: Database;

  constructor(db: Database) {
    this.#db = db;
  }

  async add({ token, conversation, createdAt, expiresAt, showsSources = false }: Link): Promise<void> {
    const sql =
      "insert into links (token, conversation, created_at, expires_at, sources) values (?, ?, ?, ?, ?)";
    const values = [token, conversation, createdAt, expiresAt, showsSources ? 1 : 0];
    await this.#db.write(() => change(sql, ...values));
  }

  async find(token: string): Promise<Link | null> {
    const sql = `select l.* from links l join conversations c on c.id = l.conversation
      where token = ? and c.deleted_at is null and coalesce(expires_at, ?2) >= ?2`;
    const row = await this.#db.read(() => one<LinkRow>(sql, token, Date.now()));
    return row && toLink(row);
  }

  async of(conversation: ConversationId): Promise<readonly Link[]> {
    const sql = `select * from links where conversation = ? and coalesce(expires_at, ?2) >= ?2
      order by created_at desc`;
    return (await this.#db.read(() => all<LinkRow>(sql, conversation, Date.now()))).map(toLink);
  }

  async remove(conversation: ConversationId, token: string): Promise<boolean> {
    const sql = "delete from links where conversation = ? and token = ?";
    return (await this.#db.write(() => changeAndAnnounce(sql, conversation, token))) > 0;
  }
}

function toLink({ token, conversation, created_at, expires_at, sources }: LinkRow): Link {
  const link = { token, conversation, createdAt: created_at, expiresAt: expires_at };
  return sources === 1 ? { ...link, showsSources: true } : link;
}
