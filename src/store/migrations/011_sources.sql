-- The last number that a passage got in a conversation. Passages are parts of messages, which may be deleted; a number is never
-- given twice.
alter table conversations add column sources integer not null default 0;
