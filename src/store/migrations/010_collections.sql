-- Documents that are searched. A collection is read from a folder; a document is a file there, a passage a piece of its text.
create table collections (
  seq        integer primary key,
  id         text not null unique,
  owner      text not null,
  name       text not null,
  folder     text not null,
  created_at integer not null,
  unique (owner, name)
) strict;

create table documents (
  seq        integer primary key,
  id         text not null unique,
  collection integer not null references collections (seq) on delete cascade,
  path       text not null,
  hash       text not null,
  title      text,
  -- null while it is being stored, and when it is about to be erased: it is not found then
  stored_at  integer
) strict;
create unique index documents_by_path on documents (collection, path) where stored_at is not null;
create index documents_unfinished on documents (collection) where stored_at is null;

create table passages (
  seq        integer primary key,
  document   integer not null references documents (seq) on delete cascade,
  page       integer not null,
  "from"     integer not null,
  "to"       integer not null,
  -- a list in JSON
  headings   text not null,
  text       text not null
) strict;
create index passages_by_document on passages (document);

-- Its texts are made of the passages' terms, which are not kept: the code that stores a passage stores them. `compounds` has each long
-- word forwards and backwards, so that what it begins or ends with is the beginning of a term. `collection` has c and the collection's seq.
create virtual table passage_search using fts5 (words, compounds, collection, content = '', contentless_delete = 1,
  tokenize = 'unicode61 remove_diacritics 0');
create virtual table passage_terms using fts5vocab (passage_search, row);
create trigger passages_lost after delete on passages begin
  delete from passage_search where rowid = old.seq;
end;
