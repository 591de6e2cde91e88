-- Who signs in. One account plays one character.
CREATE TABLE account (
    id            BLOB    NOT NULL PRIMARY KEY CHECK (length(id) = 16), -- UUIDv7
    username      TEXT    NOT NULL,                                     -- as it was written at sign-up
    username_key  TEXT    NOT NULL,                                     -- lower case: what makes the name unique
    password_hash TEXT    NOT NULL,                                     -- bcrypt, its cost inside
    epoch         INTEGER NOT NULL CHECK (epoch >= 1),                  -- raised by whatever ends older sessions
    signup_key    TEXT,                                                 -- idempotency key of the sign-up, if it had one
    created_at    INTEGER NOT NULL                                      -- milliseconds since 1970, as all times here
) STRICT, WITHOUT ROWID;

CREATE UNIQUE INDEX account_username_key ON account (username_key);

INSERT INTO schema_floor (migration, oldest_program) VALUES (2, 1);
