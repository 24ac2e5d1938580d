-- 1: a person wants the Run to stop, and the process that runs it may not know that yet.
alter table runs add column stop_wished integer not null default 0;
