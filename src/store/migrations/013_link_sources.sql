-- whether the readers of a link may open the passages that the conversation's answers cite
alter table links add column sources integer not null default 0;
