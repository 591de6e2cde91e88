-- Content packs by ruleset, so that old segments can be computed again.
CREATE TABLE IF NOT EXISTS ruleset (
    id         VARCHAR(255) NOT NULL PRIMARY KEY, -- engine version and content hash
    pack       MEDIUMBLOB   NOT NULL,
    created_at BIGINT       NOT NULL
) ENGINE = InnoDB, CHARACTER SET utf8mb4, COLLATE utf8mb4_bin;

REPLACE INTO schema_floor (migration, oldest_program) VALUES (11, 1);
