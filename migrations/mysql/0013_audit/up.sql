-- What operators changed: written before it is done, never altered, kept for a year.
CREATE TABLE IF NOT EXISTS audit (
    id       BINARY(16)    NOT NULL PRIMARY KEY, -- UUIDv7: in the order of their making
    at       BIGINT        NOT NULL,
    operator VARCHAR(255)  NOT NULL CHECK (LENGTH(operator) > 0),
    action   VARCHAR(255)  NOT NULL, -- full name of the call
    subject  VARCHAR(255)  NOT NULL, -- what it is done to. No reference: the record outlives it
    detail   VARCHAR(1000) NOT NULL, -- what else was asked for; empty for nothing
    INDEX audit_at (at)
) ENGINE = InnoDB, CHARACTER SET utf8mb4, COLLATE utf8mb4_bin;

REPLACE INTO schema_floor (migration, oldest_program) VALUES (13, 1);
