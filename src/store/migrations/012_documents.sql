-- Collections belong to a person, or to the house: owner ''. They are read from a folder, or documents are added one by one: folder ''.
-- What is lost belongs to nobody, is not found any more, and is erased in small steps.
alter table collections add column is_lost integer not null default 0;
create index collections_lost on collections (seq) where is_lost = 1;
update collections set owner = '' where owner = 'local';

-- reading, searchable, refused or lost. Only passages of searchable documents are found.
alter table documents add column state text not null default 'searchable';
-- a FailureReport in JSON: why it was refused
alter table documents add column failure text;
-- size of the file
alter table documents add column bytes integer not null default 0;
alter table documents add column pages integer not null default 0;
-- numbers of pages without text, as a list in JSON
alter table documents add column picture_pages text not null default '[]';
alter table documents add column passages integer not null default 0;
-- the stored file of a document that was added; null for one in a folder
alter table documents add column file text;
update documents set
  state = case when stored_at is null then 'lost' else 'searchable' end,
  pages = coalesce((select max(page) from passages where document = documents.seq), 0),
  passages = (select count(*) from passages where document = documents.seq);
drop index documents_by_path;
drop index documents_unfinished;
alter table documents drop column stored_at;
create index documents_by_collection on documents (collection);
create unique index documents_settled on documents (collection, path) where state in ('searchable', 'refused');
create unique index documents_reading on documents (collection, path) where state = 'reading';
create index documents_lost on documents (seq) where state = 'lost';
create index documents_by_file on documents (file) where file is not null;

-- a stored file goes with its last message or document
drop trigger message_files_lost;
create trigger message_files_lost after delete on message_files begin
  delete from files where id = old.file and not exists (select 1 from message_files where file = old.file)
    and not exists (select 1 from documents where file = old.file);
end;
create trigger documents_lost_file after update of state on documents when new.state = 'lost' and new.file is not null begin
  update documents set file = null where seq = new.seq;
  delete from files where id = new.file and not exists (select 1 from message_files where file = new.file);
end;
create trigger documents_gone after delete on documents when old.file is not null begin
  delete from files where id = old.file and not exists (select 1 from message_files where file = old.file);
end;
