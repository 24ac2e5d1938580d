// The tables of a house, in an order in which their rows can be added one after the other.

export interface HouseTable {
  readonly name: string;
  /** The columns that a row is known by. */
  readonly key: readonly string[];
  /** Rows that are read and added together. */
  readonly pageRows: number;
}

const bySeq = (name: string, pageRows = 500): HouseTable => ({ name, key: ["seq"], pageRows });
const by = (name: string, key: string, pageRows = 500): HouseTable => ({
  ...{ name, pageRows },
  key: key.split(" "),
});

/** What a row refers to is in a table before, or in an earlier row of its own. */
export const houseTables: readonly HouseTable[] = [
  bySeq("people"),
  by("roles", "name"),
  by("settings", "name"),
  by("usage", "person day"),
  by("buckets", "name"),
  by("shares", "person"),
  bySeq("audit"),
  by("sessions", "hash"),
  by("invitations", "hash"),
  by("keys", "hash"),
  bySeq("conversations"),
  by("links", "token"),
  bySeq("messages", 100),
  bySeq("runs"),
  bySeq("drafts"),
  bySeq("contents"),
  by("content_pieces", "content n", 8),
  by("content_pages", "content page", 100),
  by("content_pictures", "content page", 16),
  bySeq("files"),
  by("message_files", "message file"),
  bySeq("collections"),
  bySeq("documents"),
  bySeq("passages", 1_000),
  bySeq("embedding_models"),
  by("passage_vectors", "passage"),
];
