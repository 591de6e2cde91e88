-- Monsters killed in a character's life, for quests.
CREATE TABLE kill_count (
    character BLOB    NOT NULL REFERENCES character (id) ON DELETE CASCADE,
    monster   TEXT    NOT NULL, -- key in the content pack
    count     INTEGER NOT NULL CHECK (count >= 1),
    PRIMARY KEY (character, monster)
) STRICT, WITHOUT ROWID;

INSERT INTO schema_floor (migration, oldest_program) VALUES (6, 1);
