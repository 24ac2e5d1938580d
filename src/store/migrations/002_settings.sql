-- How a conversation is answered: the persona's id (null: none) and the sampling settings that it has chosen itself, as JSON.
alter table conversations add column persona text;
alter table conversations add column sampling text not null default '{}';
