-- Who signs in. One account plays one character.
CREATE TABLE IF NOT EXISTS account (
    id            BINARY(16)   NOT NULL PRIMARY KEY,       -- UUIDv7
    username      VARCHAR(255) NOT NULL,                   -- as it was written at sign-up
    username_key  VARCHAR(255) NOT NULL,                   -- lower case: what makes the name unique
    password_hash VARCHAR(255) NOT NULL,                   -- bcrypt, its cost inside
    epoch         BIGINT       NOT NULL CHECK (epoch >= 1), -- raised by whatever ends older sessions
    signup_key    VARCHAR(255),                            -- idempotency key of the sign-up, if it had one
    created_at    BIGINT       NOT NULL,                   -- milliseconds since 1970, as all times here
    UNIQUE INDEX account_username_key (username_key)
) ENGINE = InnoDB, CHARACTER SET utf8mb4, COLLATE utf8mb4_bin;

REPLACE INTO schema_floor (migration, oldest_program) VALUES (2, 1);
