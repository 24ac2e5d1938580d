-- Keys with which programs come in, each somebody's. The key itself is kept as its SHA-256 alone. Times are milliseconds since 1970.
create table keys (
  hash       text primary key,
  id         text not null unique,
  person     text not null references people (id) on delete cascade,
  -- for people
  name       text not null,
  -- what it opens, as a JSON list
  scopes     text not null,
  created_at integer not null,
  -- null: not used yet
  seen_at    integer
) strict;
create index keys_by_person on keys (person);

-- the model that a conversation has chosen; null: its persona's, or whichever is there
alter table conversations add column model text;
