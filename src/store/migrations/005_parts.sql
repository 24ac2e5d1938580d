-- A second index for the search: every three characters in a row, so that a part of a word is found, also where words are written
-- without spaces between them (Chinese, Japanese, Thai) or as one (German). It holds which rows have them, not where (detail = none):
-- about as large as the texts; where, store/search looks up itself. Each text gets two line ends, so that its last two characters have a
-- third behind them. `*_terms` list what is in it: the way to find two characters in a row.
create view message_texts as select seq, text || char(10, 10) as text from messages;
create virtual table message_parts using fts5 (text, content = 'message_texts', content_rowid = 'seq', detail = none, columnsize = 0,
  tokenize = 'trigram remove_diacritics 1');
create virtual table message_terms using fts5vocab (message_parts, row);
create trigger message_parts_found after insert on messages begin
  insert into message_parts (rowid, text) values (new.seq, new.text || char(10, 10));
end;
create trigger message_parts_lost after delete on messages begin
  insert into message_parts (message_parts, rowid, text) values ('delete', old.seq, old.text || char(10, 10));
end;
create trigger message_parts_changed after update of text on messages begin
  insert into message_parts (message_parts, rowid, text) values ('delete', old.seq, old.text || char(10, 10));
  insert into message_parts (rowid, text) values (new.seq, new.text || char(10, 10));
end;

create view title_texts as select seq, title || char(10, 10) as title from conversations;
create virtual table title_parts using fts5 (title, content = 'title_texts', content_rowid = 'seq', detail = none, columnsize = 0,
  tokenize = 'trigram remove_diacritics 1');
create virtual table title_terms using fts5vocab (title_parts, row);
create trigger title_parts_found after insert on conversations begin
  insert into title_parts (rowid, title) values (new.seq, new.title || char(10, 10));
end;
create trigger title_parts_lost after delete on conversations begin
  insert into title_parts (title_parts, rowid, title) values ('delete', old.seq, old.title || char(10, 10));
end;
create trigger title_parts_changed after update of title on conversations begin
  insert into title_parts (title_parts, rowid, title) values ('delete', old.seq, old.title || char(10, 10));
  insert into title_parts (rowid, title) values (new.seq, new.title || char(10, 10));
end;

insert into message_parts (message_parts) values ('rebuild');
insert into title_parts (title_parts) values ('rebuild');
