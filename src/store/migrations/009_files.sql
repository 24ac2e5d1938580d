-- Files that people attach to questions. Content is stored once per hash and type, in pieces, so that no large value is ever in
-- memory; a file is one person's name for it. `hash` is null while the content is being written, and once it is lost: nothing
-- refers to it any more, and its rows are erased in small steps.
create table contents (
  seq        integer primary key,
  hash       text,
  type       text not null,
  media_type text not null,
  bytes      integer not null default 0,
  pages      integer not null default 0,
  created_at integer not null,
  is_lost    integer not null default 0,
  unique (hash, type)
) strict;
create index contents_lost on contents (seq) where is_lost = 1;

create table content_pieces (
  content integer not null references contents (seq) on delete cascade,
  n       integer not null,
  data    blob not null,
  primary key (content, n)
) strict;

-- the text of each page
create table content_pages (
  content integer not null references contents (seq) on delete cascade,
  page    integer not null,
  text    text not null,
  primary key (content, page)
) strict;

create table files (
  seq        integer primary key,
  id         text not null unique,
  owner      text not null,
  name       text not null,
  content    integer not null references contents (seq),
  created_at integer not null
) strict;
create index files_by_owner on files (owner);
create index files_by_content on files (content);

-- which messages have a file: their readers may read the file, and it is kept as long as one of them has it
create table message_files (
  message text not null references messages (id) on delete cascade,
  file    text not null references files (id) on delete cascade,
  primary key (message, file)
) strict, without rowid;
create index message_files_by_file on message_files (file);

-- a file goes with its last message, content with its last file
create trigger message_files_lost after delete on message_files begin
  delete from files where id = old.file and not exists (select 1 from message_files where file = old.file);
end;
create trigger files_lost after delete on files begin
  update contents set hash = null, is_lost = 1
  where seq = old.content and not exists (select 1 from files where content = old.content);
end;
