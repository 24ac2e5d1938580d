-- Conversations are trees of messages; runs are the attempts at writing the assistant's ones.
-- Times are milliseconds since 1970. The queue is `runs where status = 'queued'`.

create table conversations (
  id         text primary key,
  head       text,
  created_at integer not null
) strict;

create table messages (
  id           text primary key,
  conversation text not null references conversations (id) on delete cascade,
  parent       text references messages (id) on delete cascade,
  role         text not null check (role in ('user', 'assistant')),
  text         text not null,
  reasoning    text not null default '',
  created_at   integer not null
) strict;
create index messages_by_conversation on messages (conversation);
create index messages_by_parent on messages (parent);

create table runs (
  id           text primary key,
  seq          integer not null unique,
  conversation text not null references conversations (id) on delete cascade,
  message      text not null references messages (id) on delete cascade,
  status       text not null check (status in ('queued', 'running', 'done', 'stopped', 'failed', 'interrupted')),
  created_at   integer not null,
  finish       text,
  failure      text,
  stats        text not null default '{}',
  slot_freed   integer not null default 1
) strict;
create index runs_by_message on runs (message);
-- One Run at a time in a conversation: the database refuses the second.
create unique index runs_one_active on runs (conversation) where status in ('queued', 'running');
