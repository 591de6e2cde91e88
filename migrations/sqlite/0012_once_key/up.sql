-- Actions that must happen once, by the key the player's program gave them. Kept for a day.
CREATE TABLE once_key (
    account    BLOB    NOT NULL REFERENCES account (id) ON DELETE CASCADE,
    client_key TEXT    NOT NULL,
    digest     BLOB    NOT NULL CHECK (length(digest) = 32), -- SHA-256 of the action: one key stands for one
    answer     BLOB,                                         -- null while the first is under way
    created_at INTEGER NOT NULL,
    PRIMARY KEY (account, client_key)
) STRICT, WITHOUT ROWID;

CREATE INDEX once_key_created_at ON once_key (created_at);

INSERT INTO schema_floor (migration, oldest_program) VALUES (12, 1);
