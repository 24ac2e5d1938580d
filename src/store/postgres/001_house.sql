-- The whole schema for PostgreSQL: what the migrations for SQLite have led to, without their indexes for search. What a column means is
-- said there. Times are milliseconds since 1970, conditions 0 and 1, lists and settings JSON in texts, as in SQLite. `seq` is the order
-- in which rows were added.

-- Compiling a statement takes longer than running it here.
do $$ begin
  execute format('alter database %I set jit = off', current_database());
exception when insufficient_privilege then null; -- another one owns the database
end $$;

create table conversations (
  seq        bigint generated always as identity primary key,
  id         text not null unique,
  owner      text not null default 'local',
  head       text,
  title      text not null default '',
  titled_by  text not null default 'text' check (titled_by in ('text', 'person')),
  pinned     bigint not null default 0,
  created_at bigint not null,
  updated_at bigint not null,
  deleted_at bigint,
  persona    text,
  sampling   text not null default '{}',
  model      text,
  sources    bigint not null default 0,
  documents  text
);
create index conversations_by_owner on conversations (owner, pinned desc, updated_at desc, seq desc) where deleted_at is null;

create table messages (
  seq          bigint generated always as identity primary key,
  id           text not null unique,
  conversation text not null references conversations (id) on delete cascade,
  parent       text references messages (id) on delete cascade,
  role         text not null check (role in ('user', 'assistant')),
  text         text not null,
  parts        text,
  created_at   bigint not null,
  deleted_at   bigint
);
create index messages_by_conversation on messages (conversation);
create index messages_by_parent on messages (parent, seq);
create index messages_deleted on messages (deleted_at) where deleted_at is not null;

create table runs (
  seq               bigint generated always as identity primary key,
  id                text not null unique,
  owner             text not null default 'local',
  conversation      text not null references conversations (id) on delete cascade,
  message           text not null references messages (id) on delete cascade,
  status            text not null check (status in ('queued', 'running', 'done', 'stopped', 'failed', 'interrupted')),
  created_at        bigint not null,
  finish            text,
  failure           text,
  stats             text not null default '{}',
  slot_freed        bigint not null default 1,
  without_documents bigint not null default 0,
  stop_wished       bigint not null default 0
);
create index runs_by_message on runs (message, seq);
create unique index runs_one_active on runs (conversation) where status in ('queued', 'running');
create index runs_active on runs (owner) where status in ('queued', 'running');

create table drafts (
  seq          bigint generated always as identity primary key,
  run          text not null references runs (id) on delete cascade,
  step         bigint not null,
  kind         text not null,
  text         text not null,
  stream_bytes bigint not null
);
create index drafts_by_run on drafts (run, seq);

create table people (
  seq        bigint generated always as identity primary key,
  id         text not null unique,
  name       text not null,
  name_key   text not null unique,
  role       text not null check (role in ('admin', 'member', 'guest')),
  password   text,
  subject    text unique,
  limits     text not null default '{}',
  created_at bigint not null,
  removed_at bigint
);
insert into people (id, name, name_key, role, created_at)
  values ('local', 'local', 'local', 'admin', (extract(epoch from now()) * 1000)::bigint);

create table roles (
  name   text primary key,
  limits text not null
);

create table sessions (
  hash       text primary key,
  id         text not null unique,
  person     text not null references people (id) on delete cascade,
  address    text not null,
  agent      text not null,
  created_at bigint not null,
  seen_at    bigint not null,
  expires_at bigint not null
);
create index sessions_by_person on sessions (person);

create table invitations (
  hash       text primary key,
  id         text not null unique,
  role       text not null,
  person     text references people (id) on delete cascade,
  created_at bigint not null,
  expires_at bigint not null
);

create table keys (
  hash       text primary key,
  id         text not null unique,
  person     text not null references people (id) on delete cascade,
  name       text not null,
  scopes     text not null,
  created_at bigint not null,
  seen_at    bigint
);
create index keys_by_person on keys (person);

create table links (
  token        text primary key,
  conversation text not null references conversations (id) on delete cascade,
  created_at   bigint not null,
  expires_at   bigint,
  sources      bigint not null default 0
);
create index links_by_conversation on links (conversation);

create table usage (
  person text not null,
  day    text collate "C" not null,
  runs   bigint not null default 0,
  tokens bigint not null default 0,
  primary key (person, day)
);

create table buckets (
  name  text primary key,
  level double precision not null,
  at    bigint not null
);

create table shares (
  person text primary key,
  had    double precision not null
);

create table audit (
  seq     bigint generated always as identity primary key,
  at      bigint not null,
  actor   text,
  act     text not null,
  subject text not null,
  address text not null
);

create table settings (
  name  text primary key,
  value text not null
);

create table contents (
  seq           bigint generated always as identity primary key,
  hash          text,
  type          text not null,
  media_type    text not null,
  bytes         bigint not null default 0,
  pages         bigint not null default 0,
  picture_pages text not null default '[]',
  created_at    bigint not null,
  is_lost       bigint not null default 0,
  unique (hash, type)
);
create index contents_lost on contents (seq) where is_lost = 1;

create table content_pieces (
  content bigint not null references contents (seq) on delete cascade,
  n       bigint not null,
  data    bytea not null,
  primary key (content, n)
);

create table content_pages (
  content bigint not null references contents (seq) on delete cascade,
  page    bigint not null,
  text    text not null,
  primary key (content, page)
);

create table content_pictures (
  content bigint not null references contents (seq) on delete cascade,
  page    bigint not null,
  data    bytea not null,
  primary key (content, page)
);

create table files (
  seq        bigint generated always as identity primary key,
  id         text not null unique,
  owner      text not null,
  name       text not null,
  content    bigint not null references contents (seq),
  created_at bigint not null
);
create index files_by_owner on files (owner);
create index files_by_content on files (content);

create table message_files (
  message text not null references messages (id) on delete cascade,
  file    text not null references files (id) on delete cascade,
  primary key (message, file)
);
create index message_files_by_file on message_files (file);

create table collections (
  seq        bigint generated always as identity primary key,
  id         text not null unique,
  owner      text not null,
  name       text collate "C" not null,
  folder     text not null,
  created_at bigint not null,
  is_lost    bigint not null default 0,
  content    bigint,
  unique (owner, name)
);
create index collections_lost on collections (seq) where is_lost = 1;
create unique index collections_by_content on collections (content) where content is not null;

create table documents (
  seq           bigint generated always as identity primary key,
  id            text not null unique,
  collection    bigint not null references collections (seq) on delete cascade,
  path          text collate "C" not null,
  hash          text not null,
  title         text,
  state         text not null default 'searchable',
  failure       text,
  bytes         bigint not null default 0,
  pages         bigint not null default 0,
  picture_pages text not null default '[]',
  passages      bigint not null default 0,
  file          text,
  vectors_by    bigint,
  vectors_mark  bigint
);
create index documents_by_collection on documents (collection);
create unique index documents_settled on documents (collection, path) where state in ('searchable', 'refused');
create unique index documents_reading on documents (collection, path) where state = 'reading';
create index documents_lost on documents (seq) where state = 'lost';
create index documents_by_file on documents (file) where file is not null;
create index documents_by_vectors on documents (vectors_by, seq, collection, vectors_mark) where state = 'searchable';

create table passages (
  seq      bigint generated always as identity primary key,
  document bigint not null references documents (seq) on delete cascade,
  page     bigint not null,
  "from"   bigint not null,
  "to"     bigint not null,
  headings text not null,
  text     text not null
);
create index passages_by_document on passages (document);

create table embedding_models (
  seq    bigint generated always as identity primary key,
  name   text not null,
  prefix text not null,
  dims   bigint not null,
  unique (name, prefix, dims)
);
create table passage_vectors (
  passage bigint primary key references passages (seq) on delete cascade,
  model   bigint not null references embedding_models (seq),
  scale   double precision not null,
  v       bytea not null
);

-- The index of passages: how often a term is in each. `kind`: 'word'; or 'part', a long word forwards and backwards, so that what it
-- begins or ends with is the beginning of a term. What was added last has a row for each term of each passage. Once there is enough
-- of it, it becomes a block: a row for each term, with all passages of the block that have it. A row for each would take 20 times the room.
create table passage_terms (
  kind    text collate "C" not null,
  term    text collate "C" not null,
  passage bigint not null,
  n       bigint not null,
  primary key (kind, term, passage)
);
create index passage_terms_by_passage on passage_terms (passage);

-- `last`: the last passage of a block, and its name; it begins behind the last one of the block before. `state`: its terms move there
-- ('folding') until it is 'whole'; those of deleted passages are removed ('purging') once it `is_stale`. `kind`, `term`: how far that is.
create table passage_blocks (
  last     bigint primary key,
  first    bigint not null,
  state    text not null,
  kind     text collate "C" not null default '',
  term     text collate "C" not null default '',
  is_stale bigint not null default 0
);
create table passage_lists (
  kind     text collate "C" not null,
  term     text collate "C" not null,
  block    bigint not null references passage_blocks (last) on delete cascade,
  passages int[] not null,
  counts   smallint[] not null,
  primary key (kind, term, block)
);

-- How many terms a passage has, of both kinds; and the sums over all passages.
create table passage_sizes (
  passage    bigint primary key references passages (seq) on delete cascade,
  collection bigint not null,
  terms      bigint not null
);
create table passage_totals (
  passages bigint not null,
  terms    bigint not null
);
insert into passage_totals values (0, 0);

create function passage_sizes_changed() returns trigger language plpgsql as $$ begin
  update passage_totals set passages = passages + (select count(*) from added), terms = terms + (select coalesce(sum(terms), 0) from added);
  return null;
end $$;
create trigger passage_sizes_added after insert on passage_sizes referencing new table as added
  for each statement execute function passage_sizes_changed();
create function passages_gone() returns trigger language plpgsql as $$ begin
  delete from passage_terms where passage = old.seq;
  update passage_blocks set is_stale = 1 where old.seq between first and last and is_stale = 0;
  return old;
end $$;
create trigger passages_gone before delete on passages for each row execute function passages_gone();
create function passage_size_gone() returns trigger language plpgsql as $$ begin
  update passage_totals set passages = passages - 1, terms = terms - old.terms;
  return null;
end $$;
create trigger passage_size_gone after delete on passage_sizes for each row execute function passage_size_gone();

-- A file goes with its last message or document, content with its last file, the passages of a file with its content.
create function message_files_lost() returns trigger language plpgsql as $$ begin
  delete from files where id = old.file and not exists (select 1 from message_files where file = old.file)
    and not exists (select 1 from documents where file = old.file);
  return null;
end $$;
create trigger message_files_lost after delete on message_files for each row execute function message_files_lost();

create function files_lost() returns trigger language plpgsql as $$ begin
  update contents set hash = null, is_lost = 1
    where seq = old.content and not exists (select 1 from files where content = old.content);
  return null;
end $$;
create trigger files_lost after delete on files for each row execute function files_lost();

create function documents_lost_file() returns trigger language plpgsql as $$ begin
  update documents set file = null where seq = new.seq;
  delete from files where id = new.file and not exists (select 1 from message_files where file = new.file);
  return null;
end $$;
create trigger documents_lost_file after update of state on documents
  for each row when (new.state = 'lost' and new.file is not null) execute function documents_lost_file();

create function documents_gone() returns trigger language plpgsql as $$ begin
  delete from files where id = old.file and not exists (select 1 from message_files where file = old.file);
  return null;
end $$;
create trigger documents_gone after delete on documents
  for each row when (old.file is not null) execute function documents_gone();

create function contents_lost_passages() returns trigger language plpgsql as $$ begin
  update collections set is_lost = 1, content = null where content = new.seq;
  return null;
end $$;
create trigger contents_lost_passages after update of is_lost on contents
  for each row when (new.is_lost = 1) execute function contents_lost_passages();

-- The index of conversations: the words of a text, and every three characters in a row for parts of words, without accents and case.
create extension if not exists pg_trgm;
create function folded(text) returns text language sql immutable parallel safe strict
  return case when octet_length($1) = length($1) then lower($1)
    else lower(normalize(regexp_replace(normalize($1, nfd), '[\u0300-\u036f]', '', 'g'), nfc)) end;
create function words(text) returns tsvector language plpgsql immutable parallel safe strict cost 10000 as $$ begin
  return array_to_tsvector(array(
    select distinct left(word, 200) from regexp_split_to_table(folded($1), '[^[:alnum:]]+') word where word <> ''));
exception when program_limit_exceeded then -- more than 1 MB of them
  return array_to_tsvector(array(
    select distinct left(word, 50) from regexp_split_to_table(folded($1), '[^[:alnum:]]+') word where word <> '' limit 5000));
end $$;
create index messages_by_words on messages using gin (words(text));
create index titles_by_words on conversations using gin (words(title));
create index messages_by_parts on messages using gin (folded(text) gin_trgm_ops);
create index titles_by_parts on conversations using gin (folded(title) gin_trgm_ops);

-- Which process leads, until when, by the clock of the database. Each change of the holder makes the term one larger.
create table lease (
  one    integer primary key check (one = 1),
  holder text not null,
  url    text not null,
  term   bigint not null,
  until  timestamptz not null
);

-- Refuses what a process writes that led in this term, and leads no longer.
create function check_term(mine bigint) returns void language plpgsql as $$ begin
  if (select term from lease) is distinct from mine then
    raise exception 'another process leads' using errcode = 'PL001';
  end if;
end $$;
