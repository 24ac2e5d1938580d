-- The person asked for an answer without documents: the Run looks for no passages.
alter table runs add column without_documents integer not null default 0;
