-- Conversations are trees of messages; runs are the attempts at writing the assistant's ones.
-- Times are milliseconds since 1970. The queue is `runs where status = 'queued'`, in the order of `seq`.
-- `seq` is an integer key of our own: the search indexes hold it, and VACUUM renumbers any other rowid.

create table conversations (
  seq        integer primary key,
  id         text not null unique,
  head       text,
  title      text not null default '',
  -- 'text': derived from the first question; 'person': somebody gave it this name
  titled_by  text not null default 'text' check (titled_by in ('text', 'person')),
  pinned     integer not null default 0,
  created_at integer not null,
  -- when something was last said in it: the list's order
  updated_at integer not null,
  -- set while a delete can be undone
  deleted_at integer
) strict;
create index conversations_by_time on conversations (pinned desc, updated_at desc, seq desc) where deleted_at is null;

create table messages (
  seq          integer primary key,
  id           text not null unique,
  conversation text not null references conversations (id) on delete cascade,
  parent       text references messages (id) on delete cascade,
  role         text not null check (role in ('user', 'assistant')),
  text         text not null,
  reasoning    text not null default '',
  created_at   integer not null
) strict;
create index messages_by_conversation on messages (conversation);
create index messages_by_parent on messages (parent, seq);

create table runs (
  seq          integer primary key,
  id           text not null unique,
  conversation text not null references conversations (id) on delete cascade,
  message      text not null references messages (id) on delete cascade,
  status       text not null check (status in ('queued', 'running', 'done', 'stopped', 'failed', 'interrupted')),
  created_at   integer not null,
  finish       text,
  failure      text,
  stats        text not null default '{}',
  slot_freed   integer not null default 1
) strict;
create index runs_by_message on runs (message, seq);
-- One Run at a time in a conversation: the database refuses the second.
create unique index runs_one_active on runs (conversation) where status in ('queued', 'running');

-- What a running Run has added to its message so far, piece by piece, so that a checkpoint costs the same however long the
-- answer is. Moved into the message at the end: the search index is touched once.
create table drafts (
  seq       integer primary key,
  run       text not null references runs (id) on delete cascade,
  text      text not null,
  reasoning text not null
) strict;
create index drafts_by_run on drafts (run, seq);

-- Diacritics fold: "Grüße" is found by "grusse" no more than by "grüsse", but by "gruße".
create virtual table message_search using fts5 (text, content = 'messages', content_rowid = 'seq', tokenize = 'unicode61 remove_diacritics 2');
create trigger messages_found after insert on messages begin
  insert into message_search (rowid, text) values (new.seq, new.text);
end;
create trigger messages_lost after delete on messages begin
  insert into message_search (message_search, rowid, text) values ('delete', old.seq, old.text);
end;
create trigger messages_changed after update of text on messages begin
  insert into message_search (message_search, rowid, text) values ('delete', old.seq, old.text);
  insert into message_search (rowid, text) values (new.seq, new.text);
end;

create virtual table title_search using fts5 (title, content = 'conversations', content_rowid = 'seq', tokenize = 'unicode61 remove_diacritics 2');
create trigger titles_found after insert on conversations begin
  insert into title_search (rowid, title) values (new.seq, new.title);
end;
create trigger titles_lost after delete on conversations begin
  insert into title_search (title_search, rowid, title) values ('delete', old.seq, old.title);
end;
create trigger titles_changed after update of title on conversations begin
  insert into title_search (title_search, rowid, title) values ('delete', old.seq, old.title);
  insert into title_search (rowid, title) values (new.seq, new.title);
end;
