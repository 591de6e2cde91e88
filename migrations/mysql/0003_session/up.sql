-- Tokens of the one living session of an account: the newest, and a few that it was refreshed from. A newer sign-in
-- deletes them all.
-- The token itself is nowhere: whoever reads this table can't become anybody.
CREATE TABLE IF NOT EXISTS session (
    token_hash BINARY(32) NOT NULL PRIMARY KEY, -- SHA-256 of the token
    account    BINARY(16) NOT NULL,
    epoch      BIGINT     NOT NULL,             -- counts only while it is the account's epoch
    expires_at BIGINT     NOT NULL,             -- fixed at the start; a refresh adds a row
    INDEX session_account (account),
    INDEX session_expires_at (expires_at),
    FOREIGN KEY (account) REFERENCES account (id) ON DELETE CASCADE
) ENGINE = InnoDB, CHARACTER SET utf8mb4, COLLATE utf8mb4_bin;

REPLACE INTO schema_floor (migration, oldest_program) VALUES (3, 1);
