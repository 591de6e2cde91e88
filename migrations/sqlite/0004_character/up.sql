-- What an account plays. While a battle runs, level, exp, hp, mp and the skills are those of its last save.
CREATE TABLE character (
    id         BLOB    NOT NULL PRIMARY KEY CHECK (length(id) = 16),                -- UUIDv7
    account    BLOB    NOT NULL UNIQUE REFERENCES account (id) ON DELETE CASCADE,
    name       TEXT    NOT NULL,                                                    -- as it was written, NFC
    name_key   TEXT    NOT NULL,                                                    -- NFC, lower case: what makes it unique
    job        TEXT    NOT NULL,                                                    -- key
    level      INTEGER NOT NULL CHECK (level BETWEEN 1 AND 100),
    exp        INTEGER NOT NULL CHECK (exp >= 0),                                   -- all ever earned
    hp         INTEGER NOT NULL CHECK (hp >= 0),                                    -- 0 only while lying dead in a battle
    mp         INTEGER NOT NULL CHECK (mp >= 0),
    skill_1    TEXT    NOT NULL,                                                    -- keys of the equipped skills; empty is an empty slot
    skill_2    TEXT    NOT NULL,
    skill_3    TEXT    NOT NULL,
    gold       INTEGER NOT NULL CHECK (gold >= 0),                                  -- the sum of its ledger rows
    rating     INTEGER NOT NULL CHECK (rating >= 0),                                -- arena
    version    INTEGER NOT NULL CHECK (version >= 1),                               -- raised when what a battle starts from changed outside one, and at a battle's end
    created_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE UNIQUE INDEX character_name_key ON character (name_key);

INSERT INTO schema_floor (migration, oldest_program) VALUES (4, 1);
