-- What a search by meaning compares. A passage has one vector at most, of the model that made it last.
create table embedding_models (
  seq    integer primary key,
  name   text not null,
  -- what stood before each passage
  prefix text not null,
  dims   integer not null,
  unique (name, prefix, dims)
) strict;
create table passage_vectors (
  passage integer primary key references passages (seq) on delete cascade,
  model   integer not null references embedding_models (seq),
  -- a number of the vector is a byte of `v`, with its sign, times `scale`; 0 and empty where the model can't take the passage
  scale   real not null,
  v       blob not null
) strict;
-- the model that has made the vectors of all passages of a document; null: none
alter table documents add column vectors_by integer;
-- a random number that it gets with them: the number of a document that is gone may belong to another one now
alter table documents add column vectors_mark integer;
create index documents_by_vectors on documents (vectors_by, seq, collection, vectors_mark) where state = 'searchable';
