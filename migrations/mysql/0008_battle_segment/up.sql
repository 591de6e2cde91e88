-- A stretch of a battle under one ruleset and one time origin. It reaches to the next one's first frame.
CREATE TABLE IF NOT EXISTS battle_segment (
    battle    BINARY(16)   NOT NULL,
    from_seq  BIGINT       NOT NULL CHECK (from_seq >= 1), -- its first frame
    ruleset   VARCHAR(255) NOT NULL,
    state     MEDIUMBLOB   NOT NULL,                       -- before its first frame
    origin_ms BIGINT       NOT NULL,                       -- when tick 0 was, or would have been
    PRIMARY KEY (battle, from_seq),
    FOREIGN KEY (battle) REFERENCES battle (id) ON DELETE CASCADE
) ENGINE = InnoDB, CHARACTER SET utf8mb4, COLLATE utf8mb4_bin;

REPLACE INTO schema_floor (migration, oldest_program) VALUES (8, 1);
