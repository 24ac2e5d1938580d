-- Numbers of pages without text, as a list in JSON, and pictures of some of them: JPEGs of at most some hundred kilobytes.
alter table contents add column picture_pages text not null default '[]';
create table content_pictures (
  content integer not null references contents (seq) on delete cascade,
  page    integer not null,
  data    blob not null,
  primary key (content, page)
) strict;
