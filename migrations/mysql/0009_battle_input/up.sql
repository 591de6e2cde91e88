-- What reached a battle from outside, in order.
CREATE TABLE IF NOT EXISTS battle_input (
    battle BINARY(16) NOT NULL,
    n      BIGINT     NOT NULL CHECK (n >= 1), -- number within the battle
    epoch  BIGINT     NOT NULL,                -- of the owner that stored it
    at_seq BIGINT     NOT NULL,                -- the frame it takes effect in
    tick   BIGINT     NOT NULL,                -- the tick of that frame
    input  MEDIUMBLOB NOT NULL,                -- encoded by the battle service
    PRIMARY KEY (battle, n),
    FOREIGN KEY (battle) REFERENCES battle (id) ON DELETE CASCADE
) ENGINE = InnoDB, CHARACTER SET utf8mb4, COLLATE utf8mb4_bin;

REPLACE INTO schema_floor (migration, oldest_program) VALUES (9, 1);
