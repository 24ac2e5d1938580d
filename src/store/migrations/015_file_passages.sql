-- The passages of attached files that are too long to be read whole: a collection for each content, which has no name and belongs to
-- nobody. `content` is null for collections of documents. They are lost with the content.
alter table collections add column content integer;
create unique index collections_by_content on collections (content) where content is not null;
create trigger contents_lost_passages after update of is_lost on contents when new.is_lost = 1 begin
  update collections set is_lost = 1, content = null where content = new.seq;
end;
