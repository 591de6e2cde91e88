-- Monsters killed in a character's life, for quests.
CREATE TABLE IF NOT EXISTS kill_count (
    `character` BINARY(16)   NOT NULL,
    monster     VARCHAR(255) NOT NULL, -- key in the content pack
    `count`     BIGINT       NOT NULL CHECK (`count` >= 1),
    PRIMARY KEY (`character`, monster),
    FOREIGN KEY (`character`) REFERENCES `character` (id) ON DELETE CASCADE
) ENGINE = InnoDB, CHARACTER SET utf8mb4, COLLATE utf8mb4_bin;

REPLACE INTO schema_floor (migration, oldest_program) VALUES (6, 1);
