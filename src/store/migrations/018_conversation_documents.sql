-- The collections that a conversation answers from, as JSON: their ids. null: none.
alter table conversations add column documents text;
