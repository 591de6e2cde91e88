-- Tokens of the one living session of an account: the newest, and a few that it was refreshed from. A newer sign-in
-- deletes them all.
-- The token itself is nowhere: whoever reads this table can't become anybody.
CREATE TABLE session (
    token_hash BLOB    NOT NULL PRIMARY KEY CHECK (length(token_hash) = 32), -- SHA-256 of the token
    account    BLOB    NOT NULL REFERENCES account (id) ON DELETE CASCADE,
    epoch      INTEGER NOT NULL, -- counts only while it is the account's epoch
    expires_at INTEGER NOT NULL  -- fixed at the start; a refresh adds a row
) STRICT, WITHOUT ROWID;

CREATE INDEX session_account ON session (account);
CREATE INDEX session_expires_at ON session (expires_at);

INSERT INTO schema_floor (migration, oldest_program) VALUES (3, 1);
