-- set on a message and all below it while their deletion can be undone
alter table messages add column deleted_at integer;
create index messages_deleted on messages (deleted_at) where deleted_at is not null;
