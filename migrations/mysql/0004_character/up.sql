-- What an account plays. While a battle runs, level, exp, hp, mp and the skills are those of its last save.
CREATE TABLE IF NOT EXISTS `character` (
    id         BINARY(16)   NOT NULL PRIMARY KEY,                         -- UUIDv7
    account    BINARY(16)   NOT NULL,
    name       VARCHAR(255) NOT NULL,                                     -- as it was written, NFC
    name_key   VARCHAR(255) NOT NULL,                                     -- NFC, lower case: what makes it unique
    job        VARCHAR(255) NOT NULL,                                     -- key
    level      INT          NOT NULL CHECK (level BETWEEN 1 AND 100),
    exp        BIGINT       NOT NULL CHECK (exp >= 0),                    -- all ever earned
    hp         BIGINT       NOT NULL CHECK (hp >= 0),                     -- 0 only while lying dead in a battle
    mp         BIGINT       NOT NULL CHECK (mp >= 0),
    skill_1    VARCHAR(255) NOT NULL,                                     -- keys of the equipped skills; empty is an empty slot
    skill_2    VARCHAR(255) NOT NULL,
    skill_3    VARCHAR(255) NOT NULL,
    gold       BIGINT       NOT NULL CHECK (gold >= 0),                   -- the sum of its ledger rows
    rating     INT          NOT NULL CHECK (rating >= 0),                 -- arena
    version    BIGINT       NOT NULL CHECK (version >= 1),                -- raised when what a battle starts from changed outside one, and at a battle's end
    created_at BIGINT       NOT NULL,
    UNIQUE INDEX character_account (account),
    UNIQUE INDEX character_name_key (name_key),
    FOREIGN KEY (account) REFERENCES account (id) ON DELETE CASCADE
) ENGINE = InnoDB, CHARACTER SET utf8mb4, COLLATE utf8mb4_bin;

REPLACE INTO schema_floor (migration, oldest_program) VALUES (4, 1);
