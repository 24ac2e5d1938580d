-- Entries of the passages' index are deleted in many small steps, and the index is rewritten between them by store/sqlite-forgetting. FTS5
-- itself would rewrite large parts of it within one deletion, for half a second.
insert into passage_search (passage_search, rank) values ('deletemerge', 0);
