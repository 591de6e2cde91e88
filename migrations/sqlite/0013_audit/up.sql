-- What operators changed: written before it is done, never altered, kept for a year.
CREATE TABLE audit (
    id       BLOB    NOT NULL PRIMARY KEY CHECK (length(id) = 16), -- UUIDv7: in the order of their making
    at       INTEGER NOT NULL,
    operator TEXT    NOT NULL CHECK (operator <> ''),
    action   TEXT    NOT NULL, -- full name of the call
    subject  TEXT    NOT NULL, -- what it is done to. No reference: the record outlives it
    detail   TEXT    NOT NULL  -- what else was asked for; empty for nothing
) STRICT, WITHOUT ROWID;

CREATE INDEX audit_at ON audit (at);

INSERT INTO schema_floor (migration, oldest_program) VALUES (13, 1);
