-- Content packs by ruleset, so that old segments can be computed again.
CREATE TABLE ruleset (
    id         TEXT    NOT NULL PRIMARY KEY, -- engine version and content hash
    pack       BLOB    NOT NULL,
    created_at INTEGER NOT NULL
) STRICT;

INSERT INTO schema_floor (migration, oldest_program) VALUES (11, 1);
