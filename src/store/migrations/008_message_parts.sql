-- A message is a list of parts (text, thought, and what comes later), as JSON; null when it is its text alone. `text` stays
-- the plain text of the parts, for search, titles and copies.
alter table messages add column parts text;
update messages set parts = case
  when text = '' then json_array(json_object('kind', 'thought', 'text', reasoning))
  else json_array(json_object('kind', 'thought', 'text', reasoning), json_object('kind', 'text', 'text', text))
end where reasoning <> '';
alter table messages drop column reasoning;

-- What a running Run has written, piece by piece. A piece belongs to the part of its kind in its step, so that a new kind of
-- part needs no column. `stream_bytes` counts within the step.
create temp table old_drafts as select * from drafts order by seq;
drop table drafts;
create table drafts (
  seq          integer primary key,
  run          text not null references runs (id) on delete cascade,
  step         integer not null,
  kind         text not null,
  text         text not null,
  stream_bytes integer not null
) strict;
insert into drafts (run, step, kind, text, stream_bytes)
  select run, 0, kind, text, stream_bytes from (
    select seq, 0 as place, run, 'thought' as kind, reasoning as text, stream_bytes from old_drafts where reasoning <> ''
    union all
    select seq, 1, run, 'text', text, stream_bytes from old_drafts
  ) order by seq, place;
drop table old_drafts;
create index drafts_by_run on drafts (run, seq);
