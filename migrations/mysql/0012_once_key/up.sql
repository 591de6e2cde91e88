-- Actions that must happen once, by the key the player's program gave them. Kept for a day.
CREATE TABLE IF NOT EXISTS once_key (
    account    BINARY(16)     NOT NULL,
    client_key VARBINARY(256) NOT NULL, -- UTF-8; text would be compared without the spaces at its end
    digest     BINARY(32)     NOT NULL, -- SHA-256 of the action: one key stands for one
    answer     MEDIUMBLOB,              -- null while the first is under way
    created_at BIGINT         NOT NULL,
    PRIMARY KEY (account, client_key),
    INDEX once_key_created_at (created_at),
    FOREIGN KEY (account) REFERENCES account (id) ON DELETE CASCADE
) ENGINE = InnoDB, CHARACTER SET utf8mb4, COLLATE utf8mb4_bin;

REPLACE INTO schema_floor (migration, oldest_program) VALUES (12, 1);
