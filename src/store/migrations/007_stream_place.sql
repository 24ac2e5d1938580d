-- Where in llama-server's stream a draft ends, so that a restart takes the stream up there: llama-server keeps its last 4 MiB alone.
alter table drafts add column stream_bytes integer not null default 0;
