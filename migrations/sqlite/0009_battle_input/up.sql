-- What reached a battle from outside, in order.
CREATE TABLE battle_input (
    battle BLOB    NOT NULL REFERENCES battle (id) ON DELETE CASCADE,
    n      INTEGER NOT NULL CHECK (n >= 1), -- number within the battle
    epoch  INTEGER NOT NULL,                -- of the owner that stored it
    at_seq INTEGER NOT NULL,                -- the frame it takes effect in
    tick   INTEGER NOT NULL,                -- the tick of that frame
    input  BLOB    NOT NULL,                -- encoded by the battle service
    PRIMARY KEY (battle, n)
) STRICT, WITHOUT ROWID;

INSERT INTO schema_floor (migration, oldest_program) VALUES (9, 1);
