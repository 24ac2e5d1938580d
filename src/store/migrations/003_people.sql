-- Whose everything is. Before there were accounts there was one person, "local": what is there is theirs, and the first admin is they.
-- Secrets (session tokens, invitations) are kept as their SHA-256 alone. Times are milliseconds since 1970.

create table people (
  seq        integer primary key,
  id         text not null unique,
  -- for people, and folded for comparing
  name       text not null,
  name_key   text not null unique,
  role       text not null check (role in ('admin', 'member', 'guest')),
  -- argon2id; null: this person can't sign in with a password
  password   text,
  -- issuer and subject of an OpenID provider
  subject    text unique,
  -- limits of their own, as JSON
  limits     text not null default '{}',
  created_at integer not null,
  removed_at integer
) strict;
insert into people (id, name, name_key, role, created_at) values ('local', 'local', 'local', 'admin', unixepoch() * 1000);

-- limits of a role where an admin has changed them, as JSON
create table roles (
  name   text primary key,
  limits text not null
) strict;

create table sessions (
  hash       text primary key,
  id         text not null unique,
  person     text not null references people (id) on delete cascade,
  address    text not null,
  agent      text not null,
  created_at integer not null,
  seen_at    integer not null,
  expires_at integer not null
) strict;
create index sessions_by_person on sessions (person);

create table invitations (
  hash       text primary key,
  id         text not null unique,
  role       text not null,
  person     text references people (id) on delete cascade,
  created_at integer not null,
  expires_at integer not null
) strict;

-- Links to conversations. The token is kept as it is, so that its owner can copy it again: what it opens lies in the same file.
create table links (
  token        text primary key,
  conversation text not null references conversations (id) on delete cascade,
  created_at   integer not null,
  expires_at   integer
) strict;
create index links_by_conversation on links (conversation);

-- what each person has used, by day
create table usage (
  person text not null,
  day    text not null,
  runs   integer not null default 0,
  tokens integer not null default 0,
  primary key (person, day)
) strict, without rowid;

-- token buckets: what is left of each, and when that was so
create table buckets (
  name  text primary key,
  level real not null,
  at    integer not null
) strict, without rowid;

-- fair shares of the slots: weighted tokens that each has had; the row of '' is what a newcomer begins with
create table shares (
  person text primary key,
  had    real not null
) strict, without rowid;

create table audit (
  seq     integer primary key,
  at      integer not null,
  actor   text,
  act     text not null,
  subject text not null,
  address text not null
) strict;

create table settings (
  name  text primary key,
  value text not null
) strict, without rowid;

-- no reference to people: a store of temporary conversations has none
alter table conversations add column owner text not null default 'local';
alter table runs add column owner text not null default 'local';
drop index conversations_by_time;
create index conversations_by_owner on conversations (owner, pinned desc, updated_at desc, seq desc) where deleted_at is null;
create index runs_active on runs (owner) where status in ('queued', 'running');
