-- A stretch of a battle under one ruleset and one time origin. It reaches to the next one's first frame.
CREATE TABLE battle_segment (
    battle    BLOB    NOT NULL REFERENCES battle (id) ON DELETE CASCADE,
    from_seq  INTEGER NOT NULL CHECK (from_seq >= 1), -- its first frame
    ruleset   TEXT    NOT NULL,
    state     BLOB    NOT NULL,                       -- before its first frame
    origin_ms INTEGER NOT NULL,                       -- when tick 0 was, or would have been
    PRIMARY KEY (battle, from_seq)
) STRICT;

INSERT INTO schema_floor (migration, oldest_program) VALUES (8, 1);
